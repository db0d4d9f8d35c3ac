/** Turns of the watch without a word until a process counts as frozen. */
export const turnsMax = 5;

/**
 * Notices a process that says nothing any more: frozen by a signal, or caught in a loop of its own. Apps say a line with
 * `"alive": true` every second; one that never does is not watched. It counts turns of the supervisor's own timer, not time:
 * while the supervisor itself stands still (the machine sleeps, its terminal is paused) it hears nobody, and that is
 * nobody's fault.
 */
export class SilenceWatch {
  #isWatching = false;
  #turns = 0;

  /** The process has said something. */
  heard(isBeat: boolean): void {
    this.#isWatching ||= isBeat;
    this.#turns = 0;
  }

  /** A turn has passed; true when the process counts as frozen. */
  turn(): boolean {
    if (!this.#isWatching) return false;
    this.#turns++;
    return this.#turns > turnsMax;
  }
}
