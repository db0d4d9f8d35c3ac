import type { Millis } from '#kernel';

/** Bytes per second with a burst of so many seconds; what turns out larger than expected is a debt that the next pay. */
export class ByteBudget {
  readonly #bytesPerSec: number;
  readonly #burstBytes: number;
  #tokens: number;
  #atMs: Millis | undefined;

  constructor(bytesPerSec: number, burstSec = 2) {
    this.#bytesPerSec = bytesPerSec;
    this.#burstBytes = bytesPerSec * burstSec;
    this.#tokens = this.#burstBytes;
  }

  /** Whether something may begin now. */
  allows(nowMs: Millis): boolean {
    this.#refill(nowMs);
    return this.#tokens > 0;
  }

  /** When something may begin, at the earliest, ms. */
  allowsAtMs(nowMs: Millis): Millis {
    this.#refill(nowMs);
    return this.#tokens > 0 ? nowMs : nowMs + Math.ceil(((1 - this.#tokens) / this.#bytesPerSec) * 1000);
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }

  #refill(nowMs: Millis): void {
    const sinceMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = Math.max(nowMs, this.#atMs ?? nowMs);
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + (sinceMs / 1000) * this.#bytesPerSec);
  }
}
