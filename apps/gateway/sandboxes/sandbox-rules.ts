import { conflict } from '../http/problem.errors.ts';
import type { SandboxSettings } from './sandbox.config.ts';

const hourMs = 3_600_000;

/** How many sandboxes there may be, and for how long. */
export class SandboxRules {
  readonly #settings: SandboxSettings;

  constructor(settings: SandboxSettings) {
    this.#settings = settings;
  }

  /** @throws ProblemError 409 */
  checkRoom(standing: number): void {
    const { sandboxesMax } = this.#settings;
    if (standing < sandboxesMax) return;
    throw conflict('too-many-sandboxes', `There are ${standing} sandboxes, and at most ${sandboxesMax} (SANDBOXES_MAX): drop one first.`);
  }

  keepMs(hours: number | undefined): number {
    return hours === undefined ? this.#settings.keepMs : hours * hourMs;
  }
}
