import type { Effect } from '#ports';
import type { CatalogueDraft } from '../envelopes.ts';

/** What a try left for the log of deliveries. */
export interface TryReport {
  /** Of the answer, such as an HTTP status. */
  readonly status?: number | undefined;
  /** The first bytes of the answer, or why there was none. */
  readonly detail?: string;
}

/** How a try ended. */
export type EffectResult =
  | (TryReport & { readonly outcome: 'succeeded'; readonly events?: readonly CatalogueDraft[] })
  /** Trying again does not help. */
  | (TryReport & { readonly outcome: 'failed'; readonly message: string; readonly events?: readonly CatalogueDraft[] })
  /** Tried in vain; comes again after the back-off, or after `afterMs` when that is later, until tries are used up. */
  | (TryReport & { readonly outcome: 'again'; readonly message: string; readonly afterMs?: number })
  /** Not tried: it is too early. */
  | { readonly outcome: 'later'; readonly afterMs: number };

/**
 * The third of three kinds of handler: performs intents of one kind. An intent is performed at least once, always under
 * the same `effect.key`: a receiver that knows the key again does it exactly once.
 */
export interface EffectWorker {
  readonly kind: string;
  readonly concurrency: number;
  /** Tries that come to an end, before it is abandoned. */
  readonly triesMax: number;
  /** Before the next try, after so many, ms. */
  backOffMs(tries: number): number;
  /** Throws what it likes: that was a try in vain, unless it was our own database or log that is away. The signal aborts when the effect is somebody else's by now. */
  perform(effect: Effect, signal: AbortSignal): Promise<EffectResult>;
  /** Facts to be told when it is abandoned. */
  abandoned?(effect: Effect, message: string): Promise<readonly CatalogueDraft[]>;
}
