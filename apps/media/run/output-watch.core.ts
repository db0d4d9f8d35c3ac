/** What the watch is told, all times in ms: `nowMs` of a clock that never goes back, the others of the session. */
export interface OutputView {
  readonly nowMs: number;
  /** How far the output of the slowest rendition has come. */
  readonly reachedMs: number;
  /** Newest media that has arrived. */
  readonly latestMs: number;
  /** True while the output is held up by the store or the log: not the encoder's fault. */
  readonly blocked: boolean;
}

/** Media waits but nothing comes out for so long: stalled. An encoder's own delay is far below both. */
const stallMs = 6000;
const stallBehindMs = 3000;
/** So far behind the newest media, and not catching up over so long: too slow. */
const behindMsMax = 6000;
const slowMs = 5000;

/** Judges an encoder by the time of its output, not by its log or by being alive. Pure. */
export class OutputWatch {
  #reachedMs = Number.NEGATIVE_INFINITY;
  #movedAtMs: number | undefined;
  /** Since when it is behind, and how far it was behind then. */
  #behind: { readonly sinceMs: number; readonly byMs: number; readonly reachedMs: number } | undefined;

  look({ nowMs, reachedMs, latestMs, blocked }: OutputView): 'stalled' | 'too-slow' | undefined {
    this.#movedAtMs ??= nowMs;
    if (reachedMs > this.#reachedMs || blocked || latestMs - reachedMs < stallBehindMs) this.#movedAtMs = nowMs;
    this.#reachedMs = Math.max(this.#reachedMs, reachedMs);
    if (nowMs - this.#movedAtMs >= stallMs) return 'stalled';
    return this.#isTooSlow(nowMs, latestMs - reachedMs, blocked, reachedMs) ? 'too-slow' : undefined;
  }

  #isTooSlow(nowMs: number, byMs: number, blocked: boolean, reachedMs: number): boolean {
    if (byMs <= behindMsMax || blocked) {
      this.#behind = undefined;
      return false;
    }
    this.#behind ??= { sinceMs: nowMs, byMs, reachedMs };
    if (nowMs - this.#behind.sinceMs < slowMs) return false;
    const before = this.#behind;
    this.#behind = { sinceMs: nowMs, byMs, reachedMs };
    // One that does not move at all is not slow but stalled.
    return byMs >= before.byMs && reachedMs > before.reachedMs;
  }
}
