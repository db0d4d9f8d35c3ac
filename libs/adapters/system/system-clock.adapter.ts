import type { Millis } from '#kernel';
import { Clock } from '#ports';

/** The machine's wall clock. */
export class SystemClock extends Clock {
  override now(): Millis {
    return Date.now();
  }
}
