import { hasCode } from '#kernel';
import type { EventLog, LeaseView } from '#ports';
import { pause } from '#runtime';
import { exitCodes, PlainFailure } from '../streams.errors.ts';

/** How long the ends of both logs have to stay where they are, ms: who publishes media writes every two seconds. */
const watchMs = 2500;

export interface StandstillDeps {
  readonly source: EventLog;
  readonly target: EventLog;
  readonly topics: readonly string[];
  /** Leases that somebody holds; none where there is no database to ask. */
  readonly liveLeases: () => Promise<readonly LeaseView[]>;
}

/** Where partitions end, by `topic/partition`. */
type Ends = ReadonlyMap<string, bigint>;

/**
 * Nobody may write while a log is copied, on whatever machine. The database knows which apps live, by their leases; the logs
 * tell of everybody else.
 */
export class Standstill {
  readonly #deps: StandstillDeps;
  #before: Ends | undefined;

  constructor(deps: StandstillDeps) {
    this.#deps = deps;
  }

  /** Before the first byte is written. @throws PlainFailure that names who lives, or what is written to */
  async begin(): Promise<void> {
    this.#before = await this.#watch('Nothing was changed.');
  }

  /** When everything is copied, and nothing else has been changed yet. @throws PlainFailure as before, or when the original has grown */
  async confirm(): Promise<void> {
    const after = await this.#watch(unfinished);
    const moved = differenceOf(this.#before ?? after, after);
    if (moved !== undefined) throw written(moved, 'the log that was copied', unfinished);
  }

  async #watch(consequence: string): Promise<Ends> {
    const { source, target } = this.#deps;
    await this.#refuseLiving(consequence);
    const logs = [
      [source, 'the log that is to be copied'],
      [target, 'the log that it is copied to'],
    ] as const;
    const first = await Promise.all(logs.map(([log]) => this.#ends(log)));
    await pause(watchMs);
    const second = await Promise.all(logs.map(([log]) => this.#ends(log)));
    logs.forEach(([, which], at) => {
      const moved = differenceOf(first[at] as Ends, second[at] as Ends);
      if (moved !== undefined) throw written(moved, which, consequence);
    });
    // Once more: an app that starts takes its leases before it writes.
    await this.#refuseLiving(consequence);
    return second[0] as Ends;
  }

  async #refuseLiving(consequence: string): Promise<void> {
    const [lease] = await this.#deps.liveLeases();
    if (lease === undefined) return;
    throw new PlainFailure(
      `The platform is running somewhere: ${lease.owner} holds the lease ${lease.name}. Stop it everywhere; leases of apps that were killed end by themselves within a minute. ${consequence}`,
      exitCodes.usage,
    );
  }

  async #ends(log: EventLog): Promise<Ends> {
    const ends = new Map<string, bigint>();
    for (const topic of this.#deps.topics) {
      try {
        for (const { partition, high } of await log.heads(topic)) ends.set(`${topic}/${partition}`, high);
      } catch (error) {
        if (!hasCode(error, 'TOPIC_UNKNOWN')) throw error;
      }
    }
    return ends;
  }
}

const unfinished = 'Checkpoints were not moved; stop it, and run the same command again.';

function written(place: string, which: string, consequence: string): PlainFailure {
  return new PlainFailure(`Somebody writes to ${place} of ${which}: stop the platform, and whoever publishes, everywhere. ${consequence}`, exitCodes.usage);
}

function differenceOf(before: Ends, after: Ends): string | undefined {
  for (const [place, end] of after) if (before.get(place) !== end) return place;
  return undefined;
}
