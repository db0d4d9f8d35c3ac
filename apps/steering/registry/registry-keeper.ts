import { registryOf, type RegisteredEdge } from '#domain/edge';
import type { ReadStore } from '#ports';
import { readRegistryRows } from '#read-models';
import { pause, type Health, type Logger } from '#runtime';
import type { KnownRegistry, RegistryFile } from './registry.file.ts';

export interface RegistryKeeperInit {
  readonly everyMs: number;
  readonly keysRequired: boolean;
}

export interface RegistryKeeperDeps {
  readonly reads: ReadStore;
  readonly file: RegistryFile;
  readonly logger: Logger;
  readonly now: () => number;
  readonly health: Health;
}

/** Which edges there are, from the read models: as they last could be read, also over a restart while the database is away. */
export class RegistryKeeper {
  readonly #init: RegistryKeeperInit;
  readonly #deps: RegistryKeeperDeps;
  #known: KnownRegistry = { edges: [], readAtMs: 0 };
  #kept = '';
  #serial = 0;
  #failing = false;

  constructor(init: RegistryKeeperInit, deps: RegistryKeeperDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  get known(): KnownRegistry {
    return this.#known;
  }

  /** Seconds since the epoch when what there is to answer last changed. */
  get serial(): number {
    return this.#serial;
  }

  /** What was known before. */
  async restore(): Promise<void> {
    const kept = await this.#deps.file.load();
    if (kept === undefined) return;
    this.#known = kept;
    this.#serial = Math.floor(kept.readAtMs / 1000);
  }

  async run(stopping: AbortSignal): Promise<void> {
    const heart = this.#deps.health.loop('registry of edges', this.#init.everyMs);
    while (!stopping.aborted) {
      heart.beat();
      await this.look();
      await pause(this.#init.everyMs, stopping);
    }
    heart.end();
  }

  /** Reads once. What cannot be read stays as it was. */
  async look(): Promise<void> {
    const { logger, now } = this.#deps;
    try {
      const edges = await this.#read();
      this.#known = { edges, readAtMs: now() };
      if (this.#failing) logger.info('the edges can be read again');
      this.#failing = false;
      await this.#keep();
    } catch (err) {
      if (!this.#failing) logger.warn({ err }, 'the edges cannot be read; clients are sent by what was last known, and by whether edges answer');
      this.#failing = true;
    }
  }

  async #read(): Promise<readonly RegisteredEdge[]> {
    const { now, reads } = this.#deps;
    return registryOf(await readRegistryRows(reads), { nowMs: now(), keysRequired: this.#init.keysRequired });
  }

  /** When something changed that a restart has to know: not at each report. */
  async #keep(): Promise<void> {
    const text = JSON.stringify(this.#known.edges.map(({ load: _, reportedAtMs: __, ...edge }) => edge));
    if (text === this.#kept) return;
    this.#kept = text;
    this.#serial = Math.max(this.#serial + 1, Math.floor(this.#known.readAtMs / 1000));
    await this.#deps.file.save(this.#known).catch((err: unknown) => this.#deps.logger.warn({ err }, 'what is known of edges cannot be kept on the disk'));
  }
}
