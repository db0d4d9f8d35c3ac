import type { Connection } from './http1-connection.ts';

/**
 * Connections that have answered and are left alone, for the time that it is made for and up to twice as long. What an origin sends
 * behind an answer is read by then, and taken for what it is.
 */
export class Rest {
  readonly #ms: number;
  readonly #use: (connection: Connection) => void;
  /** Those that have answered since the last look, and those that had by then. */
  #answered: Connection[] = [];
  #rested: Connection[] = [];
  #looking: NodeJS.Timeout | undefined;

  constructor(ms: number, use: (connection: Connection) => void) {
    this.#ms = ms;
    this.#use = use;
  }

  add(connection: Connection): void {
    this.#answered.push(connection);
    this.#looking ??= setTimeout(() => this.#look(), this.#ms).unref();
  }

  end(): void {
    clearTimeout(this.#looking);
    this.#looking = undefined;
    for (const connection of [...this.#answered.splice(0), ...this.#rested.splice(0)]) connection.end();
  }

  /** Between two looks everything that had come was read, however late they are. */
  #look(): void {
    const rested = this.#rested;
    this.#rested = this.#answered;
    this.#answered = [];
    this.#looking = this.#rested.length > 0 ? setTimeout(() => this.#look(), this.#ms).unref() : undefined;
    for (const connection of rested) if (connection.isOpen) this.#use(connection);
  }
}
