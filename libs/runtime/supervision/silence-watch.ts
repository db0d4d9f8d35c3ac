/** However long it stands in line for a processor, a silent process has at most ten times as long. */
export const waitShareMax = 0.9;

/**
 * Notices a process that says nothing any more: frozen by a signal, or caught in a loop of its own. It is watched from the
 * first word on by which it says that it is alive. Turns of the supervisor's own timer count, not time: while the supervisor
 * itself stands still (the machine sleeps, its terminal is paused) it hears nobody, and that is nobody's fault. Nor is it
 * while the process finds no processor: of a turn, only the rest counts.
 */
export class SilenceWatch {
  readonly #turnsMax: number;
  #isWatching = false;
  #turns = 0;

  /** @param turnsMax turns without a word until the process counts as frozen */
  constructor(turnsMax: number) {
    this.#turnsMax = turnsMax;
  }

  /** Turns without a word, less what the process stood in line. */
  get turns(): number {
    return this.#turns;
  }

  /** The process has said something. */
  heard(isBeat: boolean): void {
    this.#isWatching ||= isBeat;
    this.#turns = 0;
  }

  /**
   * A turn has passed; true when the process counts as frozen.
   * @param waitShare of the turn that it stood in line for a processor, 0 to 1
   */
  turn(waitShare: number): boolean {
    if (!this.#isWatching) return false;
    this.#turns += 1 - Math.min(waitShare, waitShareMax);
    return this.#turns > this.#turnsMax;
  }
}
