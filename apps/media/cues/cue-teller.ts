import { streamCueRefused, streamMarked } from '#events';
import { hasCode } from '#kernel';
import type { CatalogueDraft, FactPublisher, Logger } from '#runtime';
import { causeOf, type LiveSession } from '../fold/stream-fold.core.ts';
import { CuePace } from './cue-pace.core.ts';
import type { CueTap, HeardCue } from './cue-tap.core.ts';

/** The publisher in use, as it is now: when its time began changes as it is gone over to. */
export interface CueSource {
  readonly session: LiveSession;
  readonly cues: CueTap;
}

export interface CueTellerInit {
  readonly streamId: string;
  readonly source: CueSource;
  /** Of the lease under which the stream is held, now. */
  readonly epoch: () => bigint;
}

export interface CueTellerDeps {
  readonly facts: FactPublisher;
  readonly logger: Logger;
}

/** Makes the cues of the publisher that viewers see into markers, under a producer of its own, so that nothing that fails here reaches the stream. */
export class CueTeller {
  readonly #init: CueTellerInit;
  readonly #deps: CueTellerDeps;
  readonly #pace = new CuePace(performance.now());
  #telling: Promise<void> = Promise.resolve();

  constructor(init: CueTellerInit, deps: CueTellerDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Tells what has come since the last call. */
  look(): void {
    const now = performance.now();
    const drafts = this.#init.source.cues.take().flatMap((cue) => (this.#pace.admits(cue, now) ? this.#marker(cue) : []));
    const refusals = this.#pace.refusals(now);
    const { streamId, source, epoch } = this.#init;
    const { sessionId } = source.session;
    const all = refusals === undefined ? drafts : [...drafts, streamCueRefused.draft({ streamId, sessionId, epoch: Number(epoch()), ...refusals })];
    if (all.length > 0) this.#telling = this.#telling.then(() => this.#publish(all));
  }

  /** Resolves when everything is told. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  /** Where a cue stands does not change: whoever hears it again says the same of it. */
  #marker({ atMs, index, reading }: HeardCue): readonly CatalogueDraft[] {
    if (reading.kind !== 'cue') return [];
    const { streamId, source } = this.#init;
    const { sessionId, startedAtMs } = source.session;
    const markerId = `cue-${sessionId.replaceAll('-', '').slice(-12)}-${Math.round(atMs)}-${index}`;
    const place = { startMs: Math.round(startedAtMs + atMs), durationMs: null, endsOnNext: false };
    return [streamMarked.draft({ streamId, markerId, ...place, ...reading.meaning, origin: 'publisher' })];
  }

  async #publish(drafts: readonly CatalogueDraft[]): Promise<void> {
    const { streamId, source, epoch } = this.#init;
    const { session } = source;
    try {
      const producer = { id: cuesId(streamId), epoch: epoch() };
      await this.#deps.facts.publish('stream', drafts, { producer, ...causeOf(session), tenant: session.tenant });
    } catch (err) {
      if (!hasCode(err, 'PRODUCER_FENCED')) this.#deps.logger.warn({ err }, "a publisher's cue points could not be told");
    }
  }
}

/** Its facts are fenced by the lease of the stream, but fail by themselves. */
export function cuesId(streamId: string): string {
  return `cues:${streamId}`;
}
