import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { EventLog, ParkedEvents, ParkedPlace, PastStore } from '#ports';
import { lowOf } from '#runtime';

export interface StalePastDeps {
  readonly log: EventLog;
  readonly parked: ParkedEvents;
  readonly past: Pick<PastStore, 'forgetFrom'>;
}

/**
 * Has the past folded anew where it has become another. An event that a projection cannot take does nothing to the past, or
 * what the database then refused; once it is taken after all, or left out for good, pieces from it on are wrong.
 */
export class StalePast {
  readonly #deps: StalePastDeps;

  constructor(deps: StalePastDeps) {
    this.#deps = deps;
  }

  /** From one event on, of every version; what the log no longer has cannot be folded anew, and stays as it is. */
  async forgetFrom({ projection, topic, partition, offset }: Pick<ParkedPlace, 'projection' | 'topic' | 'partition' | 'offset'>): Promise<void> {
    const { log, past } = this.#deps;
    await past.forgetFrom(projection, { topic, partition, before: offset }, await lowOf(log, { topic, partition }));
  }

  /**
   * Before rows built anew replace others. In each partition, from the first event on that stands parked, which they may have taken;
   * or all of it, where one of the two lacks events that nobody has parked.
   */
  async forgetBefore(projection: Projection<DomainEvent>, lacks: boolean): Promise<void> {
    for (const topic of projection.contexts) {
      for (const { partition, low } of await this.#deps.log.heads(topic)) {
        if (lacks) {
          await this.forgetFrom({ projection: projection.name, topic, partition, offset: low });
          continue;
        }
        const offsets = (await this.#deps.parked.blocking(projection, { topic, partition })).map(({ offset }) => offset);
        if (offsets.length === 0) continue;
        const offset = offsets.reduce((least, one) => (one < least ? one : least));
        await this.forgetFrom({ projection: projection.name, topic, partition, offset });
      }
    }
  }
}
