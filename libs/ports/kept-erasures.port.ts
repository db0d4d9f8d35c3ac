/** An erasure that another region has asked for, and that cannot be done here yet. */
export interface KeptErasure {
  /** Of the event in which the other region said so. */
  readonly eventId: string;
  /** The region, as this one calls it. */
  readonly origin: string;
  /** What stands for its subject in that region. */
  readonly subject: string;
  /** What stands for the secret by which it names the subject. */
  readonly check: string;
  readonly heardAtMs: number;
  /** What is to be done; plain JSON. */
  readonly order: Readonly<Record<string, unknown>>;
}

/** What is kept of one region under one secret. */
export interface KeptErasureCount {
  readonly origin: string;
  readonly check: string;
  readonly count: number;
  /** When the first of them was heard of. */
  readonly oldestAtMs: number;
}

/** Erasures of other regions that wait until they can be done here, such as for the secret by which they name their subjects. */
export abstract class KeptErasures {
  /** Keeps one; one that is kept already stays as it is. */
  abstract keep(erasure: KeptErasure): Promise<void>;
  /** In the order in which they were kept: the first ones, or those behind the one of that event. */
  abstract kept(limit: number, after?: string): Promise<readonly KeptErasure[]>;
  /** What is kept of one subject of one region, in that order. */
  abstract of(origin: string, subject: string): Promise<readonly KeptErasure[]>;
  /** These are done. Twice does no harm. */
  abstract settle(eventIds: readonly string[]): Promise<void>;
  abstract counts(): Promise<readonly KeptErasureCount[]>;
}
