import type { DomainEvent, StoredRecord } from '#events';
import { MemoryProjectionStore } from '#adapters/memory';
import { rowsText, type Projection, type RowChange } from '#kernel';
import {
  ProjectionStore,
  type CheckpointView,
  type EventLog,
  type HoldChanges,
  type ProjectionCommit,
  type ProjectionPartition,
  type RedriveCommit,
} from '#ports';
import type { Simulation } from './simulation.ts';
import type { Violations } from './violations.ts';

export interface CheckedProjectionStoreInit {
  readonly simulation: Simulation;
  readonly violations: Violations;
  readonly log: EventLog;
  /** What the records of a batch come to, worked out anew. */
  readonly fold: (projection: Projection<DomainEvent>, records: readonly StoredRecord[]) => readonly RowChange[];
  readonly inner?: ProjectionStore;
  /** What was asked for a parked event. */
  readonly orderOf?: (commit: RedriveCommit) => Promise<'retry' | 'discard' | undefined>;
  /** True for an event that a projection cannot take. */
  readonly isPoison?: (record: StoredRecord) => boolean;
}

/** A key of a tenant whose events are not taken as they come. */
interface Blocked {
  readonly queue: string;
  readonly offset: bigint;
  /** Those before are taken. */
  readonly next: bigint;
}

/**
 * Watches a projection store. It keeps its own account of what was applied, and does not believe checkpoints: each record is
 * applied once, in order, in batches that are the fold of exactly their records, and by nobody whose epoch is past. Of a tenant's
 * key behind a parked event nothing is applied but by its redrive, in order, and it is free when nothing is left.
 */
export class CheckedProjectionStore extends ProjectionStore {
  readonly #init: CheckedProjectionStoreInit;
  readonly #inner: ProjectionStore;
  readonly #applied = new Map<string, bigint>();
  readonly #epochs = new Map<string, bigint>();
  readonly #blocked = new Map<string, Map<string, Blocked>>();
  readonly #discarded = new Set<string>();
  /** Checks are made in the order in which the store did what they are about. */
  #checks: Promise<void> = Promise.resolve();
  #events = 0;
  #parked = 0;
  #redriven = 0;

  constructor(init: CheckedProjectionStoreInit) {
    super();
    this.#init = init;
    this.#inner = init.inner ?? new MemoryProjectionStore(init.simulation.clock);
  }

  /** Records applied so far. */
  get events(): number {
    return this.#events;
  }

  /** Events that were parked, and steps of redrives. */
  get poison(): { readonly parked: number; readonly redriven: number; readonly discarded: number } {
    return { parked: this.#parked, redriven: this.#redriven, discarded: this.#discarded.size };
  }

  /** How far a partition was applied. */
  appliedTo(projection: Projection<DomainEvent>, at: ProjectionPartition): bigint {
    return this.#applied.get(placeOf(projection, at)) ?? 0n;
  }

  /** True when an operator had the event left out. */
  isDiscarded(projection: Projection<DomainEvent>, at: ProjectionPartition, offset: bigint): boolean {
    return this.#discarded.has(`${placeOf(projection, at)}/${offset}`);
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

  override begin(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint, first: bigint): Promise<void> {
    return this.#inner.begin(projection, at, epoch, first);
  }

  override commit(commit: ProjectionCommit): Promise<void> {
    return this.commitTogether([commit]);
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    await this.#inner.commitTogether(commits);
    await this.#inTurn(async () => {
      for (const commit of commits) await this.#check(commit);
    });
  }

  override async redrive(commit: RedriveCommit): Promise<void> {
    const asked = await this.#init.orderOf?.(commit);
    await this.#inner.redrive(commit);
    await this.#inTurn(() => this.#checkRedrive(commit, asked === 'discard'));
  }

  #inTurn(check: () => Promise<void>): Promise<void> {
    return (this.#checks = this.#checks.then(check));
  }

  async #check({ projection, at, from, to, epoch, changes, holds }: ProjectionCommit): Promise<void> {
    const { violations, fold } = this.#init;
    const place = placeOf(projection, at);
    const applied = this.#applied.get(place) ?? 0n;
    const newest = this.#epochs.get(place) ?? 0n;
    this.#applied.set(place, to);
    this.#events += Number(to - from);
    if (from < applied) violations.add(`records ${from} to ${applied} of ${place} were applied twice`);
    if (from > applied) violations.add(`records ${applied} to ${from} of ${place} were passed over`);
    if (epoch < newest) violations.add(`${place} took a commit of epoch ${epoch} when ${newest} had begun: a zombie`);
    const records = await this.#taken(place, at, await this.#records(at, from, to), holds);
    if (rowsText(fold(projection, records)) !== rowsText(changes)) violations.add(`the batch ${from} to ${to} of ${place} is not the fold of its records`);
  }

  /** Those of a batch's records that are its own to apply, by what is blocked and what it says of it. */
  async #taken(place: string, at: ProjectionPartition, records: readonly StoredRecord[], holds?: HoldChanges): Promise<readonly StoredRecord[]> {
    const { violations, isPoison } = this.#init;
    const blocked = this.#blockedAt(place);
    const parked = new Set((holds?.parked ?? []).map(({ offset }) => offset));
    this.#parked += parked.size;
    const freeFrom = new Map<string, bigint>();
    for (const { offset, at: free } of holds?.released ?? []) {
      const one = [...blocked.values()].find((other) => other.offset === offset);
      const left = one === undefined ? [] : (await this.#records(at, one.next, free)).filter((record) => queueOf(record) === one.queue);
      if (one === undefined) violations.add(`${place} freed a key that was not blocked`);
      else if (left.length > 0) violations.add(`${place} freed ${one.queue} before its event at ${left[0]?.offset} was taken`);
      if (one !== undefined) freeFrom.set(one.queue, free);
    }
    const taken: StoredRecord[] = [];
    for (const record of records) {
      const queue = queueOf(record);
      const free = freeFrom.get(queue);
      if (free !== undefined && record.offset >= free) this.#free(blocked, freeFrom, queue);
      if (blocked.has(queue)) continue;
      if (!parked.delete(record.offset)) taken.push(record);
      else {
        if (isPoison?.(record) !== true) violations.add(`${place} parked ${record.offset}, which can be taken`);
        blocked.set(queue, { queue, offset: record.offset, next: record.offset });
      }
    }
    for (const queue of [...freeFrom.keys()]) this.#free(blocked, freeFrom, queue);
    if (parked.size > 0) violations.add(`${place} parked events that are not its own`);
    return taken;
  }

  #free(blocked: Map<string, Blocked>, freeFrom: Map<string, bigint>, queue: string): void {
    blocked.delete(queue);
    freeFrom.delete(queue);
  }

  async #checkRedrive({ projection, at, offset, from, to, epoch, changes, outcome }: RedriveCommit, isDiscarded: boolean): Promise<void> {
    const { violations, fold, isPoison } = this.#init;
    const place = placeOf(projection, at);
    const blocked = this.#blockedAt(place);
    const one = [...blocked.values()].find((other) => other.offset === offset);
    this.#redriven++;
    if (one === undefined) return violations.add(`${place} redrove ${offset}, which is not parked`);
    if (from !== one.next) violations.add(`the redrive of ${place}/${offset} goes on from ${from} instead of ${one.next}`);
    if (epoch < (this.#epochs.get(place) ?? 0n)) violations.add(`${place} took a redrive of epoch ${epoch}: a zombie`);
    if (isDiscarded && to > offset) this.#discarded.add(`${place}/${offset}`);
    const records = (await this.#records(at, from, to)).filter((record) => queueOf(record) === one.queue && !this.isDiscarded(projection, at, record.offset));
    if (rowsText(fold(projection, records)) !== rowsText(changes))
      violations.add(`the redrive ${from} to ${to} of ${place}/${offset} is not the fold of its queue`);
    blocked.set(one.queue, { ...one, next: to });
    if (outcome.kind !== 'moved') return;
    this.#parked++;
    const [next] = await this.#records(at, outcome.parked.offset, outcome.parked.offset + 1n);
    if (next === undefined || isPoison?.(next) !== true) violations.add(`a redrive of ${place} parked ${outcome.parked.offset}, which can be taken`);
    blocked.set(one.queue, { queue: one.queue, offset: outcome.parked.offset, next: outcome.parked.offset });
  }

  #blockedAt(place: string): Map<string, Blocked> {
    const blocked = this.#blocked.get(place) ?? new Map<string, Blocked>();
    this.#blocked.set(place, blocked);
    return blocked;
  }

  async #records({ topic, partition }: ProjectionPartition, from: bigint, to: bigint): Promise<readonly StoredRecord[]> {
    if (to <= from) return [];
    const { records } = await this.#init.log.read(topic, partition, from, { recordsMax: Number(to - from), bytesMax: Infinity, waitMs: 0 });
    return records;
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

/** What comes under one key for one tenant. */
function queueOf({ key, headers }: StoredRecord): string {
  return `${headers['ce_tenant']}/${key}`;
}

function placeOf({ name, version }: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): string {
  return `${name}@${version}/${topic}/${partition}`;
}
