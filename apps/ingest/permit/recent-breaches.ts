import type { Millis } from '#kernel';

/**
 * An encoder that was ended for a limit after it had begun connects again by itself, with the same settings: OBS after two seconds,
 * then ever later. So long it is told at the door, where it can still hear why; who has changed the settings is let in after that.
 */
const rememberedMs = 10_000;
const breachesMax = 4_096;

/** Who was ended lately for what, by stream and endpoint. Bounded: the oldest is forgotten first. */
export class RecentBreaches {
  readonly #breaches = new Map<string, { readonly detail: string; readonly untilMs: Millis }>();

  remember(slot: string, detail: string, now: Millis): void {
    this.#breaches.delete(slot);
    this.#breaches.set(slot, { detail, untilMs: now + rememberedMs });
    if (this.#breaches.size > breachesMax) this.#breaches.delete(this.#breaches.keys().next().value as string);
  }

  /** Why the publisher there was ended, with the seconds after which another try is welcome. */
  of(slot: string, now: Millis): string | undefined {
    const breach = this.#breaches.get(slot);
    if (breach === undefined) return undefined;
    if (now < breach.untilMs) return `${breach.detail} Change that, and try again in ${Math.ceil((breach.untilMs - now) / 1000)} s.`;
    this.#breaches.delete(slot);
    return undefined;
  }
}
