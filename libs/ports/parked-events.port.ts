import type { DomainEvent } from '#events';
import type { Projection, RowChange } from '#kernel';
import type { ParkedQueue } from './parked-queue.ts';
import type { ProjectionPartition } from './projection-partition.ts';

/** Why a projection could not take an event. Texts are bounded and hold no NUL. */
export interface ParkedFailure {
  /** For machines, SCREAMING_SNAKE_CASE. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Of the innermost error; empty when there is none. */
  readonly stack: string;
}

/** An event that a projection sets aside. */
export interface NewParkedEvent extends ParkedQueue {
  readonly offset: bigint;
  readonly eventId: string;
  readonly eventType: string;
  /** When the log took it, ms since the Unix epoch. */
  readonly recordedAtMs: number;
  readonly failure: ParkedFailure;
  /** How often it was tried. */
  readonly attempts: number;
}

/** Events of a queue that a batch passed over; the log keeps them. */
export interface HeldEvents extends ParkedQueue {
  readonly count: number;
  /** Offset of the last of them. */
  readonly last: bigint;
}

/** A queue that is empty: the batch and all behind it take its events. */
export interface ReleasedKey {
  /** Of the parked event. */
  readonly offset: bigint;
  /** Up to where its redrive is stored; compare-and-swap. */
  readonly next: bigint;
  /** From here on its events are taken as they come. */
  readonly at: bigint;
}

/** What a batch sets aside, in the same transaction as its rows and its checkpoint. */
export interface HoldChanges {
  readonly parked: readonly NewParkedEvent[];
  readonly held: readonly HeldEvents[];
  readonly released: readonly ReleasedKey[];
}

/** What an operator asked for. */
export interface ParkedOrder {
  /** Names the request. */
  readonly id: string;
  /** `discard`: this one event is left out, and its successors are taken. */
  readonly verb: 'retry' | 'discard';
}

export type RedriveOutcome =
  /** Some successors are taken. */
  | { readonly kind: 'progress' }
  /** The parked event failed again: it stays, and what was asked is done with. */
  | { readonly kind: 'failed'; readonly failure: ParkedFailure }
  /** The parked event is taken (or discarded), and one of its successors is parked in its place. */
  | { readonly kind: 'moved'; readonly parked: NewParkedEvent }
  /** Of a late event, behind which nothing waits: it is taken. */
  | { readonly kind: 'taken' };

/** A step of a redrive, in one transaction: rows, and how far the key's events are taken. */
export interface RedriveCommit {
  readonly projection: Projection<DomainEvent>;
  readonly at: ProjectionPartition;
  /** Of the lease; an older one than the checkpoint's is refused. */
  readonly epoch: bigint;
  /** Of the parked event. */
  readonly offset: bigint;
  /** Compare-and-swap: everything of the key before is taken … */
  readonly from: bigint;
  /** … and now everything before this. */
  readonly to: bigint;
  /** Events that are taken by it, the parked one included. */
  readonly applied: number;
  readonly changes: readonly RowChange[];
  readonly outcome: RedriveOutcome;
}

export type ParkedState = 'parked' | 'redriven' | 'discarded';

/** Where a parked event stands in the log, and whose it is. */
export interface ParkedPlace extends ProjectionPartition {
  readonly projection: string;
  readonly version: number;
  readonly offset: bigint;
}

/** An event that a version of a projection has set aside, and how many wait behind it. */
export interface ParkedEvent extends ParkedPlace, NewParkedEvent {
  readonly parkedAtMs: number;
  /** True for one that nobody could read when it was passed: its successors were taken, and it is taken late. */
  readonly late: boolean;
  readonly state: ParkedState;
  /** Everything of the key before is taken. */
  readonly next: bigint;
  /** Successors that wait. */
  readonly held: number;
  /** Events that its redrives have taken, itself included. */
  readonly applied: number;
  readonly order: ParkedOrder | undefined;
  /** True when the order failed, until that is told. */
  readonly orderFailed: boolean;
  /** False until it is on the log that it was parked. */
  readonly told: boolean;
}

export interface ParkedFilter {
  readonly projection?: string;
  readonly topic?: string;
  readonly key?: string;
  readonly limit: number;
}

export interface LateEvent extends ProjectionPartition {
  readonly offset: bigint;
  readonly eventId: string;
  readonly eventType: string;
  readonly recordedAtMs: number;
}

/**
 * Events that projections have set aside. They are written by the consumer host, with the checkpoints; here they are read,
 * asked for, and, once it is on the log what became of them, forgotten.
 */
export abstract class ParkedEvents {
  /** Those that block keys in a partition for a version, and late ones; whoever has claimed the partition can rely on them. */
  abstract blocking(projection: Projection<DomainEvent>, at: ProjectionPartition): Promise<readonly ParkedEvent[]>;
  /** Those that stand (`parked`), the oldest first. */
  abstract list(filter: ParkedFilter): Promise<readonly ParkedEvent[]>;
  abstract show(place: ParkedPlace): Promise<ParkedEvent | undefined>;
  /** Asks for a redrive. False when it is not parked any more, or something else was asked before and is not done. */
  abstract order(place: ParkedPlace, order: ParkedOrder): Promise<boolean>;
  /**
   * Asks for an event that could not be read, of every version given that has passed it: each takes it by itself.
   * Doing so again for the same order adds nothing. Returns how many have it to take.
   */
  abstract orderLate(late: LateEvent, order: ParkedOrder, versions: ReadonlyArray<Pick<ParkedPlace, 'projection' | 'version'>>): Promise<number>;
  /** Those with an order that is not done. */
  abstract ordered(): Promise<readonly ParkedEvent[]>;
  /** Those that have something to tell: that they were parked, or what became of an order. */
  abstract untold(limit: number): Promise<readonly ParkedEvent[]>;
  /**
   * It is on the log: that it was parked, and what became of its order, as `seen` had it. One that is redriven or discarded is forgotten;
   * so is a late one whose order is done.
   */
  abstract told(seen: ParkedEvent): Promise<void>;
}
