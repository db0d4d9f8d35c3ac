import type { EventEnvelope } from '#events';

export interface ReactorIdentity {
  readonly name: string;
  readonly version: number;
}

export interface ReactorPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where a reactor begins that nobody ran before. */
export interface ReactorStart extends ReactorPartition {
  readonly position: bigint;
}

/** An intent as it is kept, with the event that it follows from. */
export interface NewEffect {
  /** The same for the same event, reactor and place among its intents: its name everywhere, to the receiver as well. */
  readonly key: string;
  readonly kind: string;
  readonly lane: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Which of the event's intents of this kind and lane it is, from 0. */
  readonly index: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly tenant: string;
  readonly offset: bigint;
}

export interface ReactorCommit {
  readonly reactor: ReactorIdentity;
  readonly at: ReactorPartition;
  /** Compare-and-swap: the position that the checkpoint must still have … */
  readonly from: bigint;
  /** … and the one it gets. */
  readonly to: bigint;
  /** Of the lease under which the events were read. */
  readonly epoch: bigint;
  /** One whose key is there already changes nothing. */
  readonly effects: readonly NewEffect[];
  /** Keys of effects that begin anew. */
  readonly repeats: readonly string[];
}

export interface ReactorPosition extends ReactorPartition {
  readonly reactor: string;
  readonly version: number;
  readonly position: bigint;
  /** Of the last reset that was carried out; 0 for none. */
  readonly reset: number;
  readonly movedAtMs: number;
}

/** `pending` until it is over, one way or another. */
export type EffectState = 'pending' | EffectOutcome;

/** `failed`: it can never succeed. `abandoned`: it was tried often enough. */
export type EffectOutcome = 'succeeded' | 'failed' | 'abandoned';

export interface Effect extends NewEffect, ReactorPartition {
  readonly reactor: string;
  readonly state: EffectState;
  /** Tries that came to an end. */
  readonly attempts: number;
  /** Tries that were begun since the last one that came to an end: some ended with their process. */
  readonly starts: number;
  /** How often it began anew because somebody asked for it. */
  readonly round: number;
  /** Fences who performs it: grows with every taking. */
  readonly claim: bigint;
  readonly lastError: string | null;
  readonly nextTryAtMs: number;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

/** One try, as the log of deliveries shows it. */
export interface EffectAttempt {
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
  /** Of the answer, such as an HTTP status; null when there was none. */
  readonly status: number | null;
  /** The first bytes of the answer, or why there was none. */
  readonly detail: string;
}

/** How one try ended; written in one transaction with the events that say so. */
export interface EffectSettlement {
  readonly key: string;
  readonly claim: bigint;
  /** `again`: after `afterMs` it is tried once more. */
  readonly outcome: EffectOutcome | 'again';
  readonly afterMs?: number;
  /** Undefined when it was put off without having been tried. */
  readonly attempt?: EffectAttempt;
  readonly error?: string;
  readonly events: readonly EventEnvelope[];
}

export interface Enlistment {
  /** Of one lane so many at most are in the queue. */
  readonly laneMax: number;
  /** Of one tenant so many of a kind at most are in the queue, whatever lanes it has: the others find places there. */
  readonly tenantMax: number;
  readonly max: number;
  /** After so long without an end, what was in the queue counts as lost there, ms. */
  readonly lostAfterMs: number;
}

export interface EnlistedEffect {
  readonly key: string;
  readonly kind: string;
}

export interface EffectQuery {
  readonly kind?: string;
  readonly lane?: string;
  readonly tenant?: string;
  readonly states?: readonly EffectState[];
  readonly limit: number;
  /** Only what began before, by time and key. */
  readonly before?: { readonly createdAtMs: number; readonly key: string };
}

export interface EffectBacklog {
  readonly kind: string;
  readonly pending: number;
  /** Since when the oldest has been waiting, ms since the Unix epoch. */
  readonly oldestMs: number;
}

/**
 * The ledger of effects: what reactors asked for, written together with how far they have read, and what became of it. It
 * is the truth about effects; a queue of jobs is derived from it. Times are the store's own.
 * Errors: `CHECKPOINT_FENCED` (retryable), `REACTOR_SUPERSEDED`, `REACTOR_UNKNOWN`, `EFFECT_FENCED`.
 */
export abstract class EffectStore {
  /** Gives a reactor its first checkpoints; those that there are stay as they are, whatever their version. */
  abstract begin(reactor: ReactorIdentity, starts: readonly ReactorStart[]): Promise<void>;
  /**
   * Position to read on from, and shuts out older epochs of this version and all smaller versions from now on.
   * @throws OperatingError `REACTOR_SUPERSEDED`, `CHECKPOINT_FENCED`, `REACTOR_UNKNOWN` before `begin`.
   */
  abstract claim(reactor: ReactorIdentity, at: ReactorPartition, epoch: bigint): Promise<bigint>;
  /** Intents and checkpoint in one transaction. @throws OperatingError `CHECKPOINT_FENCED`; nothing was written. */
  abstract commit(commit: ReactorCommit): Promise<void>;
  /** Sets positions once per number: a repeated or older number changes nothing. Who reads meanwhile is fenced by it. */
  abstract reset(reactor: string, number: number, positions: readonly ReactorStart[]): Promise<void>;
  abstract positions(reactor?: string): Promise<readonly ReactorPosition[]>;

  /** What is due and not in the queue, the oldest of each lane first; from now on it counts as being in the queue. */
  abstract enlist(enlistment: Enlistment): Promise<readonly EnlistedEffect[]>;
  /** What could not be put into the queue counts as not being there. */
  abstract delist(keys: readonly string[]): Promise<void>;
  /**
   * Takes an effect to perform it; undefined when it is over, not due, or held by somebody else whose time has not run out.
   * The same owner may take it again at once: it was restarted.
   */
  abstract take(key: string, owner: string, ttlMs: number): Promise<Effect | undefined>;
  /** Prolongs the hold; false when it is lost. */
  abstract hold(key: string, claim: bigint, ttlMs: number): Promise<boolean>;
  /** @throws OperatingError `EFFECT_FENCED` when somebody else took it, or it is over; nothing was written. */
  abstract settle(settlement: EffectSettlement): Promise<void>;

  abstract show(key: string): Promise<Effect | undefined>;
  /** The newest first. */
  abstract list(query: EffectQuery): Promise<readonly Effect[]>;
  /** Tries of an effect, the first first; at most the last 100. */
  abstract attempts(key: string): Promise<readonly EffectAttempt[]>;
  /** True when an effect of the lane has succeeded since then. */
  abstract succeededSince(kind: string, lane: string, sinceMs: number): Promise<boolean>;
  abstract backlog(): Promise<readonly EffectBacklog[]>;
  /** Forgets what has been over for so long, at most `max` of them; answers how many. */
  abstract forget(olderThanMs: number, max: number): Promise<number>;
}
