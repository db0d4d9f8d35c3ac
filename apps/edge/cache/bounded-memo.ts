/** Remembers a bounded number of things, each for a while; the oldest go first. */
export class BoundedMemo<Value> {
  readonly #entriesMax: number;
  readonly #lifetimeMs: number;
  readonly #entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(entriesMax: number, lifetimeMs: number) {
    this.#entriesMax = entriesMax;
    this.#lifetimeMs = lifetimeMs;
  }

  get(key: string, nowMs: number): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (nowMs < entry.untilMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: nowMs + this.#lifetimeMs });
    if (this.#entries.size <= this.#entriesMax) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
