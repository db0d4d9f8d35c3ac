/** What became of waiting. */
export type Waited =
  | 'ready'
  /** Longer than anybody should wait. */
  | 'late'
  /** More wait already than there is room for. */
  | 'full';

interface Waiter {
  readonly isReady: () => boolean;
  readonly resolve: (waited: Waited) => void;
  readonly untilMs: number;
}

/** Those who wait for something of one stream. One look decides for all who wait for the same. */
export class WaitingRoom {
  /** By what they wait for. */
  readonly #groups = new Map<string, Waiter[]>();
  readonly #now: () => number;
  #size = 0;

  /** @param now of a clock that never goes back, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  /** @param key says the same as `isReady`: of those with the same key one is asked */
  wait(key: string, isReady: () => boolean, msMax: number): Promise<Waited> {
    return new Promise((resolve) => {
      const group = this.#groups.get(key) ?? [];
      if (group.length === 0) this.#groups.set(key, group);
      group.push({ isReady, resolve, untilMs: this.#now() + msMax });
      this.#size += 1;
    });
  }

  /** Something has changed. */
  look(): void {
    for (const [key, group] of this.#groups) if (group[0]?.isReady() === true) this.#dismiss(key, group, 'ready');
  }

  /** Those whose time is over go. In a group they are in the order in which they came. */
  expire(): void {
    const nowMs = this.#now();
    for (const [key, group] of this.#groups) {
      const stay = group.filter(({ untilMs }) => untilMs > nowMs);
      if (stay.length === group.length) continue;
      const gone = group.filter(({ untilMs }) => untilMs <= nowMs);
      this.#groups.set(key, stay);
      this.#dismiss(stay.length === 0 ? key : undefined, gone, 'late');
    }
  }

  close(): void {
    for (const [key, group] of this.#groups) this.#dismiss(key, group, 'late');
  }

  #dismiss(key: string | undefined, group: readonly Waiter[], waited: Waited): void {
    if (key !== undefined) this.#groups.delete(key);
    this.#size -= group.length;
    for (const { resolve } of group) resolve(waited);
  }
}
