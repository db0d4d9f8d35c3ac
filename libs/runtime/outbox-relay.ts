import { contexts, topicPartitions } from '#events';
import type { EventLog, Lease, LeaseStore, Outbox, OutboxRow } from '#ports';
import type { Logger } from './logging.ts';
import { backOffMs, pause } from './pause.ts';
import type { Health, Heartbeat } from './telemetry/health.ts';

export interface OutboxRelayDeps {
  readonly outbox: Outbox;
  readonly log: EventLog;
  readonly leases: LeaseStore;
  readonly logger: Logger;
  readonly health?: Health;
}

export interface OutboxRelayInit {
  /** Unique among living relays, stable over restarts. */
  readonly owner: string;
  readonly leaseTtlMs?: number;
  readonly rowsMax?: number;
  /** How often somebody without the lease asks for it, ms; 1,000 by default. */
  readonly askIntervalMs?: number;
  /** First wait after a failure, ms, doubled with each further one; 100 by default. */
  readonly retryMs?: number;
}

const leaseName = 'outbox';
const producerId = 'outbox';
const waitMs = 5000;

/**
 * Carries committed events from the outbox to the log, in order. The lease keeps two relays from doing the same work; that
 * no event is doubled is the log's doing, which knows each row by its sequence: a crash between append and forget, or a
 * relay that wakes up late, repeats rows that the log then recognises.
 */
export class OutboxRelay {
  readonly #deps: OutboxRelayDeps;
  readonly #owner: string;
  readonly #leaseTtlMs: number;
  readonly #rowsMax: number;
  readonly #askIntervalMs: number;
  readonly #retryMs: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lease: Lease | undefined;

  constructor(init: OutboxRelayInit, deps: OutboxRelayDeps) {
    this.#deps = deps;
    this.#owner = init.owner;
    this.#leaseTtlMs = init.leaseTtlMs ?? 6000;
    this.#rowsMax = init.rowsMax ?? 500;
    this.#askIntervalMs = init.askIntervalMs ?? 1000;
    this.#retryMs = init.retryMs ?? 100;
  }

  /** Creates the topics if they are missing, and goes on in the background. */
  async start(): Promise<void> {
    for (const topic of contexts) await this.#deps.log.ensureTopic(topic, topicPartitions);
    this.#running = this.#run();
  }

  /** Finishes the rows in hand and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease);
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    const heart = this.#deps.health?.loop('outbox relay', waitMs);
    let failures = 0;
    const moved = (): void => {
      failures = 0;
      heart?.accepted();
    };
    while (!stop.aborted) {
      heart?.beat();
      try {
        this.#lease = await this.#deps.leases.acquire(leaseName, this.#owner, this.#leaseTtlMs);
        if (this.#lease !== undefined) {
          await this.#drainUnder(this.#lease, moved, heart);
          continue;
        }
        // Somebody else drains it.
        heart?.accepted();
        await pause(this.#askIntervalMs, stop);
      } catch (err) {
        const retryable = (err as { retryable?: unknown }).retryable === true;
        const reason = err instanceof Error ? err.message : String(err);
        // An engine that is away comes back. Anything else fails every round until somebody sees to it, and has to be seen.
        if (retryable) heart?.accepted();
        else heart?.refused(reason);
        this.#deps.logger[retryable ? 'warn' : 'error']({ err, failures }, `the outbox is not drained: ${reason}`);
        await pause(backOffMs(failures++, this.#retryMs, retryable ? 2000 : 30000), stop);
      }
    }
    heart?.end();
  }

  /** Drains until the lease is lost or the relay is stopped. */
  async #drainUnder(lease: Lease, moved: () => void, heart: Heartbeat | undefined): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    const renewing = this.#keepLease(lease, end);
    // Rows are forgotten while the next are on their way: they are taken once more meanwhile, and passed over.
    let relayed = 0n;
    let forgetting: Promise<void> = Promise.resolve();
    try {
      while (!signal.aborted) {
        heart?.beat();
        const rows = (await this.#deps.outbox.take(this.#rowsMax, waitMs, signal)).filter(({ sequence }) => sequence > relayed);
        if (rows.length > 0) await this.#append(rows);
        await forgetting;
        if (rows.length === 0) {
          heart?.accepted();
          continue;
        }
        relayed = (rows.at(-1) as OutboxRow).sequence;
        forgetting = this.#deps.outbox.forget(relayed);
        forgetting.catch(() => undefined); // thrown where it is awaited
        moved();
      }
      await forgetting;
    } finally {
      end.abort();
      await renewing;
    }
  }

  async #keepLease(lease: Lease, end: AbortController): Promise<void> {
    for (;;) {
      await pause(this.#leaseTtlMs / 3, end.signal);
      if (end.signal.aborted) return;
      try {
        if (!(await this.#deps.leases.renew(lease, this.#leaseTtlMs))) return end.abort();
      } catch (err) {
        this.#deps.logger.warn({ err }, 'the lease of the outbox could not be renewed');
      }
    }
  }

  async #append(rows: readonly OutboxRow[]): Promise<void> {
    for (const run of runsOfOneTopic(rows)) {
      const first = run[0] as OutboxRow;
      const producer = { id: producerId, epoch: first.incarnation, sequence: first.topicSequence };
      const records = run.map((row) => row.record);
      await this.#deps.log.append(first.topic, records, { producer });
    }
  }
}

/** Cuts rows where the topic changes: their order over all topics is kept, and each part is one append. */
function runsOfOneTopic(rows: readonly OutboxRow[]): readonly OutboxRow[][] {
  const runs: OutboxRow[][] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last !== undefined && last[0]?.topic === row.topic) last.push(row);
    else runs.push([row]);
  }
  return runs;
}
