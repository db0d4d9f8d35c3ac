import type { RowRetention } from '#adapters/postgres';
import type { Lease, LeaseStore } from '#ports';
import { pause, type Health, type Logger } from '#runtime';

const leaseName = 'row-expiry';
const leaseTtlMs = 15_000;
const rowsAtOnce = 500;

export interface RowSweeperInit {
  /** This process; unique. */
  readonly owner: string;
  /** How long rows are kept, ms by table. */
  readonly keeps: Readonly<Record<string, number>>;
  /** Between two looks; a third of the lease's time by default. */
  readonly lookMs?: number;
}

export interface RowSweeperDeps {
  readonly retention: RowRetention;
  readonly leases: LeaseStore;
  readonly logger: Logger;
  readonly health?: Health;
}

/** Removes expired rows, a few at a time; one projector at once, by a lease. */
export class RowSweeper {
  readonly #init: Required<RowSweeperInit>;
  readonly #deps: RowSweeperDeps;
  readonly #stop = new AbortController();
  #lease: Lease | undefined;
  #running: Promise<void> | undefined;

  constructor(init: RowSweeperInit, deps: RowSweeperDeps) {
    this.#init = { lookMs: leaseTtlMs / 3, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { retention, logger, health } = this.#deps;
    const { signal } = this.#stop;
    const heart = health?.loop('row expiry', leaseTtlMs);
    let isSet = false;
    while (!signal.aborted) {
      heart?.beat();
      let removed = 0;
      try {
        if (!isSet) await retention.keep(this.#init.keeps);
        isSet = true;
        if (await this.#holds()) removed = await retention.sweep(rowsAtOnce);
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, 'expired rows could not be removed; trying again');
      }
      // With more to do, it leaves room for others in between.
      await pause(removed > 0 ? Math.min(100, this.#init.lookMs) : this.#init.lookMs, signal);
    }
    heart?.end();
  }

  async #holds(): Promise<boolean> {
    const { leases } = this.#deps;
    if (this.#lease !== undefined && (await leases.renew(this.#lease, leaseTtlMs))) return true;
    this.#lease = await leases.acquire(leaseName, this.#init.owner, leaseTtlMs);
    return this.#lease !== undefined;
  }
}
