import { nodeLedgerHash } from '#adapters/ledger';
import { catalogueTopic, sealerId, type SealedEventLog } from '#adapters/sealed-log';
import { sealingAggregate, type KnownSealing, type SealingResult } from '#domain/operation';
import { topicPartitions, type Context, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { AggregateStore, Clock, IdSource, LedgerPartition, LedgerStore, ProjectionStore } from '#ports';
import { epochOnLog, LeasedWorker, pause, type CommandExecutor, type LeasedWorkerDeps, type PastKeeper, type RetentionSettings, type Tenure } from '#runtime';
import { PartitionRetention, type PartitionRetentionDeps, type SealingPass } from './partition-retention.ts';
import { PassedOffsets } from './passed-offsets.ts';
import { RetentionEvents } from './retention-events.ts';

export interface RetentionKeeperInit {
  /** Unique among living projectors, stable over restarts. */
  readonly owner: string;
  readonly topics: readonly Context[];
  readonly settings: RetentionSettings;
  readonly source: string;
  readonly leaseTtlMs?: number;
  /** Between two rounds, ms. */
  readonly roundMs?: number;
  /** Between two looks at what somebody ordered, ms. */
  readonly lookMs?: number;
}

export interface RetentionKeeperDeps extends LeasedWorkerDeps {
  readonly log: SealedEventLog;
  readonly ledger: LedgerStore;
  readonly projections: ReadonlyArray<Projection<DomainEvent>>;
  readonly store: ProjectionStore;
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Of the past of read models; without it, none is kept. */
  readonly pastKeeper?: Pick<PastKeeper, 'foldRest'>;
}

const defaults = { roundMs: 30_000, lookMs: 1000 };

/**
 * Seals the past of the log: one projector at a time, under a lease whose epoch fences the others at the catalogue of
 * sealed segments. Everything that it begins can be gone on with by the next.
 */
export class RetentionKeeper {
  readonly #init: RetentionKeeperInit & typeof defaults;
  readonly #deps: RetentionKeeperDeps;
  readonly #worker: LeasedWorker;

  constructor(init: RetentionKeeperInit, deps: RetentionKeeperDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
    const work = { worker: 'retention', lease: 'retention', askMs: this.#init.lookMs, trouble: "the log's past is not looked after" };
    const known = (): Promise<bigint> => epochOnLog(deps.log, catalogueTopic, [sealerId]);
    this.#worker = new LeasedWorker({ ...work, ...init, known }, deps, (tenure) => this.#keep(tenure));
  }

  start(): void {
    this.#worker.start();
  }

  /** Ends behind the step that is under way, and gives the lease back. */
  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #keep({ lease, signal, moved }: Tenure): Promise<void> {
    const round = new RetentionRound(this.#init, this.#deps, lease.epoch, signal);
    await round.finish();
    for (let dueAt = 0; !signal.aborted;) {
      await round.obey();
      if (performance.now() >= dueAt) {
        await round.keep();
        dueAt = performance.now() + this.#init.roundMs;
      }
      moved();
      await pause(this.#init.lookMs, signal);
    }
  }
}

const nothing: SealingResult = { segments: 0, records: 0, sizeBytes: 0, rawBytes: 0, failures: 0 };

/** The work under one lease. */
class RetentionRound {
  readonly #init: RetentionKeeperInit;
  readonly #deps: RetentionKeeperDeps;
  readonly #stop: AbortSignal;
  readonly #events: RetentionEvents;
  readonly #partitions: ReadonlyArray<{ readonly at: LedgerPartition & { readonly topic: Context }; readonly retention: PartitionRetention }>;

  constructor(init: RetentionKeeperInit, deps: RetentionKeeperDeps, epoch: bigint, stop: AbortSignal) {
    this.#init = init;
    this.#deps = deps;
    this.#stop = stop;
    const { log, ledger, clock, ids } = deps;
    this.#events = new RetentionEvents({ epoch, clock, ids, source: init.source }, log);
    const foldRest: PartitionRetentionDeps['foldRest'] = async (cut) => (await deps.pastKeeper?.foldRest(cut)) ?? true;
    const parts = { log, ledger, events: this.#events, sealer: log.sealer(epoch, nodeLedgerHash), now: () => clock.now(), foldRest };
    const places = init.topics.flatMap((topic) => Array.from({ length: topicPartitions }, (_, partition) => ({ topic, partition })));
    this.#partitions = places.map((at) => ({ at, retention: new PartitionRetention(at, parts) }));
  }

  /** What an earlier owner had begun. */
  async finish(): Promise<void> {
    for (const topic of this.#init.topics) await this.#deps.log.ensureTopic(topic, topicPartitions);
    for (const { at, retention } of this.#partitions) if (!this.#stop.aborted) await this.#guarded(at, () => retention.finish());
  }

  /** What the settings ask for. */
  async keep(): Promise<void> {
    const { hotMs, keptMs } = this.#init.settings;
    if (Object.keys(hotMs).length === 0) return;
    const passed = await PassedOffsets.read(this.#deps.projections, this.#deps.store);
    for (const { at, retention } of this.#partitions) {
      const [hot, kept] = [hotMs[at.topic], keptMs[at.topic]];
      if (this.#stop.aborted || hot === undefined) continue;
      await this.#guarded(at, async () => {
        await retention.seal({ hotMs: hot, passed, all: false, stop: this.#stop });
        if (kept !== undefined) await retention.expire(kept);
      });
    }
  }

  /** What somebody ordered. */
  async obey(): Promise<void> {
    const { aggregates, commands } = this.#deps;
    for (const { id, state } of await aggregates.find(sealingAggregate.context, 'sealing', 'open')) {
      const result = await this.#sealAll((state as KnownSealing).olderThanMs);
      if (this.#stop.aborted) return;
      await commands.execute(sealingAggregate, id, { type: 'EndSealing', result }, { actor: 'system:retention', correlationId: id });
    }
  }

  async #sealAll(hotMs: number): Promise<SealingResult> {
    const passed = await PassedOffsets.read(this.#deps.projections, this.#deps.store);
    let result = nothing;
    for (const { at, retention } of this.#partitions) {
      if (this.#stop.aborted) break;
      const done = await this.#guarded(at, () => this.#sealOf(retention, { hotMs, passed, all: true, stop: this.#stop }));
      result = sumOf(result, done ?? { ...nothing, failures: 1 });
    }
    return result;
  }

  async #sealOf(retention: PartitionRetention, pass: SealingPass): Promise<SealingResult> {
    const segments = await retention.seal(pass);
    return segments.map((one) => ({ ...one, segments: 1, failures: 0 })).reduce(sumOf, nothing);
  }

  /** What is wrong with one partition keeps no other from being looked after; what will pass ends the round. */
  async #guarded<Result>(at: LedgerPartition, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (err) {
      if ((err as { retryable?: unknown }).retryable !== false || (err as { code?: unknown }).code === 'PRODUCER_FENCED') throw err;
      this.#deps.logger.error({ err, ...at }, `the past of ${at.topic}/${at.partition} is not sealed: ${(err as Error).message}`);
      await this.#events.failed(at, err);
      return undefined;
    }
  }
}

function sumOf(a: SealingResult, b: SealingResult): SealingResult {
  return {
    segments: a.segments + b.segments,
    records: a.records + b.records,
    sizeBytes: a.sizeBytes + b.sizeBytes,
    rawBytes: a.rawBytes + b.rawBytes,
    failures: a.failures + b.failures,
  };
}
