import { Clock, IdSource } from '#ports';
import { v7 } from 'uuid';

/** The machine's wall clock. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }
}

/** UUIDv7 from the machine's clock and randomness. */
export class UuidSource extends IdSource {
  override next(): string {
    return v7();
  }
}
