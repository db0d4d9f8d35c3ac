/** Room for bytes on their way: who finds none waits, and nobody overtakes. */
export class ByteRoom {
  readonly #most: number;
  readonly #waiting: Array<{ readonly bytes: number; readonly enter: () => void }> = [];
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined when there is room at once, so that callers who need not wait keep their order without a turn of the loop. */
  enter(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#used += bytes;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, enter: resolve }));
  }

  leave(bytes: number): void {
    this.#used -= bytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#used += next.bytes;
      next.enter();
    }
  }

  /** One that is larger than the room goes alone. */
  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#most;
  }
}
