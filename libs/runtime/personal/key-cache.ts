/** As many entries as `max`; what was not asked for longest goes first. */
export class KeyCache<Value> {
  readonly #max: number;
  /** In the order of use, the least recent first. */
  readonly #entries = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Value | undefined {
    const value = this.#entries.get(name);
    if (value === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, value);
    return value;
  }

  set(name: string, value: Value): void {
    this.#entries.delete(name);
    if (this.#entries.size >= this.#max) this.#entries.delete(this.#entries.keys().next().value as string);
    this.#entries.set(name, value);
  }

  drop(where: (name: string, value: Value) => boolean): void {
    for (const [name, value] of this.#entries) if (where(name, value)) this.#entries.delete(name);
  }
}
