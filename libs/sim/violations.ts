/** What must never happen, and did. */
export class Violations {
  readonly #found: string[] = [];

  add(what: string): void {
    if (this.#found.length < 10) this.#found.push(what);
  }

  get first(): string | undefined {
    return this.#found[0];
  }
}
