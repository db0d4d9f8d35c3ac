import type { Millis } from '#kernel';

/** The wall clock. Everything that needs a time gets it from here or from its caller. */
export abstract class Clock {
  abstract now(): Millis;
}

/** Makes identifiers that sort by time (UUIDv7, RFC 9562 section 5.7). */
export abstract class IdSource {
  abstract next(): string;
}

/** What else of time a program depends on: being woken later, and chance. A simulation brings its own. */
export abstract class Timers {
  /** Calls `wake` once, after `ms`; the answer calls it off. */
  abstract after(ms: number, wake: () => void): () => void;
  /** A uniform number in [0, 1), so that those who lost the same race do not meet again. */
  abstract chance(): number;
}
