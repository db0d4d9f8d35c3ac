import { StreamsError } from '../errors.ts';

/** Keeps the token of a subscription, in a file, a row, or `localStorage`. */
export interface ResumeStore {
  /** Undefined when there is none yet. */
  load(): Promise<string | undefined> | string | undefined;
  save(token: string): Promise<void> | void;
}

/** Keeps it as long as the process lives. */
export class MemoryResumeStore implements ResumeStore {
  #token: string | undefined;

  constructor(token?: string) {
    this.#token = token;
  }

  load(): string | undefined {
    return this.#token;
  }

  save(token: string): void {
    this.#token = token;
  }
}

/** Saves the newest token, and not more often than it has to be. */
export class TokenSaver {
  readonly #store: ResumeStore | undefined;
  readonly #everyMs: number;
  #pending: string | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(store: ResumeStore | undefined, everyMs: number) {
    this.#store = store;
    this.#everyMs = everyMs;
  }

  /** Everything up to this token has been dealt with. */
  async note(token: string): Promise<void> {
    this.#pending = token;
    if (this.#store !== undefined && performance.now() - this.#savedAt >= this.#everyMs) await this.flush();
  }

  async flush(): Promise<void> {
    const token = this.#pending;
    if (token === undefined || this.#store === undefined) return;
    this.#pending = undefined;
    try {
      await this.#store.save(token);
    } catch (cause) {
      throw new StreamsError('The place of the subscription could not be saved.', { code: 'STORE_FAILED', retryable: false, cause });
    }
    this.#savedAt = performance.now();
  }
}
