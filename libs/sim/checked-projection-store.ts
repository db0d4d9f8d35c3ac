import type { DomainEvent, StoredRecord } from '#events';
import { MemoryProjectionStore } from '#adapters/memory';
import { rowsText, type Projection, type RowChange } from '#kernel';
import { ProjectionStore, type CheckpointView, type EventLog, type ProjectionCommit, type ProjectionPartition } from '#ports';
import type { Simulation } from './simulation.ts';
import type { Violations } from './violations.ts';

export interface CheckedProjectionStoreInit {
  readonly simulation: Simulation;
  readonly violations: Violations;
  readonly log: EventLog;
  /** What the records of a batch come to, worked out anew. */
  readonly fold: (projection: Projection<DomainEvent>, records: readonly StoredRecord[]) => readonly RowChange[];
  readonly inner?: ProjectionStore;
}

/**
 * Watches a projection store. It keeps its own account of what was applied, and does not believe checkpoints: each record is
 * applied once, in order, in batches that are the fold of exactly their records, and by nobody whose epoch is past.
 */
export class CheckedProjectionStore extends ProjectionStore {
  readonly #init: CheckedProjectionStoreInit;
  readonly #inner: ProjectionStore;
  readonly #applied = new Map<string, bigint>();
  readonly #epochs = new Map<string, bigint>();
  #events = 0;

  constructor(init: CheckedProjectionStoreInit) {
    super();
    this.#init = init;
    this.#inner = init.inner ?? new MemoryProjectionStore(init.simulation.clock);
  }

  /** Records applied so far. */
  get events(): number {
    return this.#events;
  }

  /** How far a partition was applied. */
  appliedTo(projection: Projection<DomainEvent>, at: ProjectionPartition): bigint {
    return this.#applied.get(placeOf(projection, at)) ?? 0n;
  }

  override ensure(projection: Projection<DomainEvent>): Promise<boolean> {
    return this.#inner.ensure(projection);
  }

  override async claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    const position = await this.#inner.claim(projection, at, epoch);
    const place = placeOf(projection, at);
    if (epoch > (this.#epochs.get(place) ?? 0n)) this.#epochs.set(place, epoch);
    return position;
  }

  override commit(commit: ProjectionCommit): Promise<void> {
    return this.commitTogether([commit]);
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    await this.#inner.commitTogether(commits);
    for (const commit of commits) await this.#check(commit);
  }

  async #check({ projection, at, from, to, epoch, changes }: ProjectionCommit): Promise<void> {
    const { violations, log, fold } = this.#init;
    const place = placeOf(projection, at);
    const applied = this.#applied.get(place) ?? 0n;
    const newest = this.#epochs.get(place) ?? 0n;
    this.#applied.set(place, to);
    this.#events += Number(to - from);
    if (from < applied) violations.add(`records ${from} to ${applied} of ${place} were applied twice`);
    if (from > applied) violations.add(`records ${applied} to ${from} of ${place} were passed over`);
    if (epoch < newest) violations.add(`${place} took a commit of epoch ${epoch} when ${newest} had begun: a zombie`);
    const { records } = await log.read(at.topic, at.partition, from, { recordsMax: Math.max(1, Number(to - from)), bytesMax: Infinity, waitMs: 0 });
    const expected = fold(projection, records.slice(0, Number(to - from)));
    if (rowsText(expected) !== rowsText(changes)) violations.add(`the batch ${from} to ${to} of ${place} is not the fold of its records`);
  }

  override boundLog(): Promise<string | undefined> {
    return this.#inner.boundLog();
  }

  override bindLog(log: string): Promise<string> {
    return this.#inner.bindLog(log);
  }

  override checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    return this.#inner.checkpoints(projection);
  }

  override reset(projection: Projection<DomainEvent>): Promise<void> {
    return this.#inner.reset(projection);
  }
}

function placeOf({ name, version }: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): string {
  return `${name}@${version}/${topic}/${partition}`;
}
