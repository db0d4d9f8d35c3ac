import type { StatementSync } from 'node:sqlite';
import type { LogDatabase } from './log-database.ts';
import type { ProducerRow } from './producer-table.ts';
import type { Head } from './head.ts';

/** Producers remembered at once; all are forgotten beyond, and found in the file again. */
const producersMax = 1024;

/**
 * What this process knows of the file's state since its own last commit, so that a lone append need not ask for it again.
 * True as long as no other connection has committed (`PRAGMA data_version`) and no transaction of ours was rolled back.
 */
export class WriterMemory {
  readonly heads = new Map<number, Head>();
  readonly #producers = new Map<string, ProducerRow>();
  readonly #version: StatementSync;
  #seenVersion = -1;

  constructor(db: LogDatabase) {
    this.#version = db.prepare('PRAGMA data_version');
  }

  /** At the start of each write transaction. */
  check(): void {
    const version = this.#version.get()?.['data_version'] as number;
    if (version !== this.#seenVersion) this.forget();
    this.#seenVersion = version;
  }

  forget(): void {
    this.heads.clear();
    this.#producers.clear();
    this.#seenVersion = -1;
  }

  producer(topic: number, name: string): ProducerRow | undefined {
    return this.#producers.get(`${topic}/${name}`);
  }

  setProducer(topic: number, name: string, producer: ProducerRow): void {
    if (this.#producers.size >= producersMax) this.#producers.clear();
    this.#producers.set(`${topic}/${name}`, producer);
  }
}
