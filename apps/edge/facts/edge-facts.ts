import { audienceStreamsMax, edgeAudienceReported, edgeRegistered, edgeReported, type Context, type DraftOf } from '#events';
import { hasCode } from '#kernel';
import { backOffMs, pause, type CatalogueDraft, type FactCause, type FactPublisher } from '#runtime';
import type { StreamAudience } from './audience.core.ts';

export interface EdgeFactsInit {
  readonly edgeId: string;
  /** When this process started: names its counters. */
  readonly incarnation: number;
}

export interface EdgeFactsDeps {
  readonly publisher: FactPublisher;
  /** A greater epoch than any before, kept on disk. */
  readonly takeEpoch: () => Promise<number>;
  readonly stopping: AbortSignal;
}

/** Counters since the start, and gauges. */
export type EdgeReport = Omit<DraftOf<typeof edgeReported>['data'], 'edgeId' | 'incarnation'>;

/** Every so many reports one is made even though nothing changed: an edge that says nothing at all is taken for gone. */
const reportsPerSign = 5;

/** What an edge appends to the log about itself, under the producer `edge:<id>` and the epoch of its incarnation. */
export class EdgeFacts {
  readonly #init: EdgeFactsInit;
  readonly #deps: EdgeFactsDeps;
  #epoch: number;
  #nextEpoch: Promise<void> | undefined;
  #reported = '';
  #unchanged = 0;

  constructor(init: EdgeFactsInit, deps: EdgeFactsDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#epoch = init.incarnation;
  }

  /** @throws OperatingError `PRODUCER_FENCED` when another process of the same edge has started since. */
  async register(edge: DraftOf<typeof edgeRegistered>['data']): Promise<void> {
    await this.publish('edge', [edgeRegistered.draft(edge)]);
  }

  /** Reports the counters, most times only if they are not those of the last report. */
  async report(report: EdgeReport): Promise<void> {
    const text = JSON.stringify(report);
    if (text === this.#reported && ++this.#unchanged < reportsPerSign) return;
    this.#unchanged = 0;
    await this.publish('edge', [edgeReported.draft({ edgeId: this.#init.edgeId, incarnation: this.#init.incarnation, ...report })]);
    this.#reported = text;
  }

  /** Tells who came and went, as many streams at a time as an event holds. */
  async reportAudience(streams: readonly StreamAudience[]): Promise<void> {
    const { edgeId, incarnation } = this.#init;
    for (let at = 0; at < streams.length; at += audienceStreamsMax)
      await this.publish('edge', [edgeAudienceReported.draft({ edgeId, incarnation, streams: streams.slice(at, at + audienceStreamsMax) })]);
  }

  /**
   * Appends facts, however long the log takes. An append whose outcome nobody knows ends its epoch: it is repeated under
   * the next one, which at worst says the same twice.
   * @param tenant whose business they are; the platform's when left out
   * @param causes what led to each of them
   */
  async publish(context: Context, drafts: readonly CatalogueDraft[], tenant?: string, causes?: readonly FactCause[]): Promise<void> {
    for (let failures = 0; !this.#deps.stopping.aborted || failures === 0; failures++) {
      const epoch = this.#epoch;
      try {
        const producer = { id: `edge:${this.#init.edgeId}`, epoch: BigInt(epoch) };
        await this.#deps.publisher.publish(context, drafts, {
          producer,
          signal: this.#deps.stopping,
          ...(tenant === undefined ? {} : { tenant }),
          ...(causes === undefined ? {} : { causes }),
        });
        return;
      } catch (error) {
        const uncertain = hasCode(error, 'PRODUCER_UNCERTAIN');
        // Fenced by our own next epoch, which another fact needed in the meantime, is no reason to end.
        if (hasCode(error, 'PRODUCER_FENCED') && this.#epoch > epoch) continue;
        if (!uncertain && !(error as { retryable?: boolean }).retryable) throw error;
        if (uncertain) await this.#leave(epoch);
        await pause(backOffMs(failures, 50, 2000), this.#deps.stopping);
      }
    }
  }

  /** Facts that fail together need one next epoch, not one each. */
  async #leave(epoch: number): Promise<void> {
    if (this.#epoch > epoch) return;
    this.#nextEpoch ??= this.#deps
      .takeEpoch()
      .then((next) => void (this.#epoch = next))
      .finally(() => (this.#nextEpoch = undefined));
    await this.#nextEpoch;
  }
}
