import type { Millis } from '#kernel';

/** Takeovers this far apart are not of one fight. */
const fightMs = 30_000;
/** A fight waits no longer than a connection may be silent at all. */
const silenceMsMax = 10_000;
const slotsMax = 4_096;

interface Fight {
  readonly at: Millis;
  readonly takeovers: number;
}

/**
 * How long a publisher must have been silent before another one with the same right takes its place. Two encoders that were
 * given one key would take it from each other at every pause of their networks: between two addresses the wait doubles with
 * each time. One that comes back to its own dead connection never waits longer than the first time.
 */
export class TakeoverPace {
  readonly #silenceMs: number;
  readonly #fights = new Map<string, Fight>();

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /** @param slot names the endpoint */
  silenceMs(slot: string, isSameHost: boolean, now: Millis): number {
    const fight = isSameHost ? undefined : this.#fightAt(slot, now);
    return Math.min(Math.max(silenceMsMax, this.#silenceMs), this.#silenceMs * 2 ** (fight?.takeovers ?? 0));
  }

  tookOver(slot: string, isSameHost: boolean, now: Millis): void {
    if (isSameHost) return;
    const takeovers = (this.#fightAt(slot, now)?.takeovers ?? 0) + 1;
    this.#fights.delete(slot);
    this.#fights.set(slot, { at: now, takeovers });
    if (this.#fights.size > slotsMax) this.#fights.delete(this.#fights.keys().next().value as string);
  }

  #fightAt(slot: string, now: Millis): Fight | undefined {
    const fight = this.#fights.get(slot);
    return fight !== undefined && now - fight.at < fightMs ? fight : undefined;
  }
}
