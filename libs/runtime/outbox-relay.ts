import { contexts, topicPartitions, type Context } from '#events';
import type { EventLog, Outbox, OutboxRow, SeenPartition } from '#ports';
import { LeasedWorker, type LeasedWorkerDeps, type LeasedWorkerInit, type Tenure } from './lease/leased-worker.ts';

export interface OutboxRelayDeps extends LeasedWorkerDeps {
  readonly outbox: Outbox;
  readonly log: EventLog;
}

export interface OutboxRelayInit extends Pick<LeasedWorkerInit, 'owner' | 'leaseTtlMs' | 'askMs' | 'retryMs'> {
  readonly rowsMax?: number;
}

/** Under which rows of the outbox go to the log. */
export const outboxProducer = 'outbox';
const waitMs = 5000;

/**
 * Carries committed events from the outbox to the log, in order. The lease keeps two relays from doing the same work; that
 * no event is doubled is the log's doing, which knows each row by its sequence: a crash between append and forget, or a
 * relay that wakes up late, repeats rows that the log then recognises.
 */
export class OutboxRelay {
  readonly #deps: OutboxRelayDeps;
  readonly #rowsMax: number;
  readonly #worker: LeasedWorker;

  constructor({ rowsMax, ...init }: OutboxRelayInit, deps: OutboxRelayDeps) {
    this.#deps = deps;
    this.#rowsMax = rowsMax ?? 500;
    const work = { worker: 'outbox relay', lease: 'outbox', trouble: 'the outbox is not drained', roundMs: waitMs };
    this.#worker = new LeasedWorker({ ...work, ...init }, deps, (tenure) => this.#drain(tenure));
  }

  /** Creates the topics if they are missing, and goes on in the background. */
  async start(): Promise<void> {
    for (const topic of contexts) await this.#deps.log.ensureTopic(topic, topicPartitions);
    this.#worker.start();
  }

  /** Finishes the rows in hand and gives the lease back. */
  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #drain({ signal, moved }: Tenure): Promise<void> {
    // Rows are forgotten while the next are on their way: they are taken once more meanwhile, and passed over.
    let relayed = 0n;
    let forgetting: Promise<void> = Promise.resolve();
    while (!signal.aborted) {
      const rows = (await this.#deps.outbox.take(this.#rowsMax, waitMs, signal)).filter(({ sequence }) => sequence > relayed);
      const seen = rows.length === 0 ? [] : await this.#append(rows);
      await forgetting;
      moved();
      if (rows.length === 0) continue;
      relayed = (rows.at(-1) as OutboxRow).sequence;
      forgetting = this.#deps.outbox.forget(relayed, seen);
      forgetting.catch(() => undefined); // thrown where it is awaited
    }
    await forgetting;
  }

  /** Answers how far the log has been told what the heads know: they have seen all before the last row in each partition. */
  async #append(rows: readonly OutboxRow[]): Promise<readonly SeenPartition[]> {
    const seen = new Map<string, SeenPartition>();
    for (const run of runsOfOneTopic(rows)) {
      const first = run[0] as OutboxRow;
      const producer = { id: outboxProducer, epoch: first.incarnation, sequence: first.topicSequence };
      const records = run.map((row) => row.record);
      for (const { partition, offset } of await this.#deps.log.append(first.topic, records, { producer })) {
        seen.set(`${first.topic}/${partition}`, { context: first.topic as Context, partition, position: offset + 1n });
      }
    }
    return [...seen.values()];
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
