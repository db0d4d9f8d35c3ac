import type { Millis } from '#kernel';

/** The wall clock. Everything that needs a time gets it from here or from its caller. */
export abstract class Clock {
  abstract now(): Millis;
}

/** Makes identifiers that sort by time (UUIDv7, RFC 9562 section 5.7). */
export abstract class IdSource {
  abstract next(): string;
}
