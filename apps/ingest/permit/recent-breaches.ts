import type { Millis } from '#kernel';
import type { Refusal } from './permit.types.ts';

/**
 * An encoder that was ended for what it sends connects again by itself, with the same settings: OBS after two seconds, then ever later.
 * So long it is told at the door, where it can still hear why; who has changed the settings is let in after that.
 */
const rememberedMs = 10_000;
/** Who comes back with it again and again is told for twice as long each time: each try is a stream that begins and breaks for its viewers. */
const rememberedMsMax = 60_000;
/** Who was not ended for so long begins anew. */
const forgivenMs = 300_000;
const breachesMax = 4_096;

interface Breach {
  readonly refusal: Refusal;
  readonly times: number;
  readonly untilMs: Millis;
}

/** Who was ended lately for what, by stream and endpoint. Bounded: the oldest is forgotten first. */
export class RecentBreaches {
  readonly #breaches = new Map<string, Breach>();

  remember(slot: string, refusal: Refusal, now: Millis): void {
    const times = (this.#known(slot, now)?.times ?? 0) + 1;
    this.#breaches.delete(slot);
    this.#breaches.set(slot, { refusal, times, untilMs: now + Math.min(rememberedMsMax, rememberedMs * 2 ** (times - 1)) });
    if (this.#breaches.size > breachesMax) this.#breaches.delete(this.#breaches.keys().next().value as string);
  }

  /** Why the publisher there was ended, with the seconds after which another try is welcome. */
  of(slot: string, now: Millis): Refusal | undefined {
    const breach = this.#known(slot, now);
    if (breach === undefined || now >= breach.untilMs) return undefined;
    const { reason, detail } = breach.refusal;
    return { reason, detail: `${detail} Change that, and try again in ${Math.ceil((breach.untilMs - now) / 1000)} s.` };
  }

  #known(slot: string, now: Millis): Breach | undefined {
    const breach = this.#breaches.get(slot);
    if (breach === undefined || now < breach.untilMs + forgivenMs) return breach;
    this.#breaches.delete(slot);
    return undefined;
  }
}
