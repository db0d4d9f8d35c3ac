/** Below this a COPY saves nothing worth the risk of doing the transaction twice. */
const rowsMin = 128;
const firstPause = 4;
const pauseMax = 64;

/**
 * Guesses whether a table's next batch holds nothing but new rows, from how the last tries went. A wrong guess costs a
 * transaction that is rolled back at its first row that was there; after each the next try waits four times as long.
 */
export class NewRowsGuess {
  #pause = firstPause;
  #left = 0;

  /** Asked once per batch. */
  ask(rows: number): boolean {
    if (rows < rowsMin) return false;
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  wasRight(): void {
    this.#pause = firstPause;
  }

  wasWrong(): void {
    this.#left = this.#pause;
    this.#pause = Math.min(pauseMax, this.#pause * 4);
  }
}
