interface Entry<Value> {
  readonly value: Value;
  readonly untilMs: number;
}

/**
 * Remembers a bounded number of things, each for a while; the oldest go first. They go by halves: to take the oldest single one out
 * of a Map costs more than all else that is done here, because a Map keeps the places of what was taken out.
 */
export class BoundedMemo<Value, Key = string> {
  readonly #halfMax: number;
  readonly #lifetimeMs: number;
  #young = new Map<Key, Entry<Value>>();
  #old = new Map<Key, Entry<Value>>();

  /** @param entriesMax at most; at least half as many are remembered */
  constructor(entriesMax: number, lifetimeMs: number) {
    this.#halfMax = Math.max(1, Math.floor(entriesMax / 2));
    this.#lifetimeMs = lifetimeMs;
  }

  get(key: Key, nowMs: number): Value | undefined {
    const entry = this.#young.get(key) ?? this.#old.get(key);
    if (entry === undefined) return undefined;
    if (nowMs < entry.untilMs) return entry.value;
    this.delete(key);
    return undefined;
  }

  set(key: Key, value: Value, nowMs: number): void {
    if (this.#young.size >= this.#halfMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, { value, untilMs: nowMs + this.#lifetimeMs });
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
