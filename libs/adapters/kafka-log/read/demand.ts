import type { FetchedPartition } from '../wire/fetch.codec.ts';

/** Where somebody reads on. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly bytesMax: number;
}

interface Waiter {
  readonly resolve: (answer: FetchedPartition | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** How long brokers may fail to answer before those who wait are told, ms. */
const overdueAfterMs = 10_000;

/** One place in a partition that one or several readers wait at. */
export class Demand {
  readonly name: string;
  readonly place: Place;
  /** True when only records are an answer; false when an empty one is, too, at the end of the partition. */
  readonly isPatient: boolean;
  failures = 0;
  readonly #waiters = new Set<Waiter>();
  #troubledSince: number | undefined;

  constructor(name: string, place: Place, isPatient: boolean) {
    this.name = name;
    this.place = place;
    this.isPatient = isPatient;
  }

  /** True when nobody waits any more. */
  get isAbandoned(): boolean {
    return this.#waiters.size === 0;
  }

  /** Counts from the first question that failed; an answer of any kind ends the count. */
  get isOverdue(): boolean {
    this.#troubledSince ??= performance.now();
    return performance.now() - this.#troubledSince > overdueAfterMs;
  }

  asked(): void {
    this.#troubledSince = undefined;
  }

  /** Waits with the others; undefined once the signal aborts. */
  join(signal?: AbortSignal): Promise<FetchedPartition | undefined> {
    if (signal?.aborted === true) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        resolve(undefined);
      };
      const end = (): void => signal?.removeEventListener('abort', leave);
      const waiter: Waiter = {
        resolve: (answer) => {
          end();
          resolve(answer);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  answer(answer: FetchedPartition): void {
    for (const waiter of [...this.#waiters]) waiter.resolve(answer);
    this.#waiters.clear();
  }

  fail(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
    this.#waiters.clear();
  }
}
