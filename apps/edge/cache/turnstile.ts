/** Who goes on together. */
const groupSize = 32;

/**
 * Lets those who wait for the same thing go on a few at a time. All at once they would take each step of their way together, so that
 * the first is answered when the last is nearly done, and whatever reads the answers has nothing to do until then.
 */
export class Turnstile<Value> {
  readonly #groups: PromiseWithResolvers<Value>[] = [];
  #inLast = groupSize;
  /** Set when nobody is held any more. */
  #open: Promise<Value> | undefined;
  readonly #next: (turn: () => void) => void;

  /** @param next calls back when what is under way now has been done */
  constructor(next: (turn: () => void) => void = setImmediate) {
    this.#next = next;
  }

  /** Resolves when it is one's turn. */
  pass(): Promise<Value> {
    if (this.#open !== undefined) return this.#open;
    if (this.#inLast === groupSize) {
      this.#groups.push(Promise.withResolvers());
      this.#inLast = 0;
    }
    this.#inLast++;
    return (this.#groups.at(-1) as PromiseWithResolvers<Value>).promise;
  }

  /** What they wait for is here. @param inTurns false where they would miss something if they came later */
  open(value: Value, inTurns: boolean): void {
    const first = this.#groups.shift();
    first?.resolve(value);
    if (this.#groups.length === 0) this.#open = first?.promise ?? Promise.resolve(value);
    else if (inTurns) this.#next(() => this.open(value, true));
    else this.open(value, false);
  }
}
