import type { DomainEvent } from '#events';
import { assert, columnFault, OperatingError, wholeStampGroups, type Projection, type RowChange, type TableSpec } from '#kernel';
import {
  ProjectionStore,
  type CheckpointView,
  type Clock,
  type ParkedEvent,
  type ProjectionCommit,
  type ProjectionPartition,
  type RedriveCommit,
} from '#ports';
import { MemoryParkedEvents } from './memory-parked-events.adapter.ts';
import { MemoryTables } from './memory-tables.ts';

export type MemoryPosition = ProjectionPartition & {
  readonly position: bigint;
  /** Where the rows begin; 0 by default. */
  readonly first?: bigint | undefined;
};

/** Tables, and how far the log is folded into them. */
export interface MemoryModel {
  readonly tables: MemoryTables;
  readonly positions: readonly MemoryPosition[];
  readonly parked: readonly ParkedEvent[];
}

/** Read models that live as long as their object; {@link MemoryReadStore} reads them. */
export class MemoryProjectionStore extends ProjectionStore {
  readonly #clock: Clock;
  readonly #versions = new Map<string, MemoryTables>();
  readonly #checkpoints = new Map<string, CheckpointView>();
  /** Checkpoints under whose owner rows and parked events were exchanged: it has to claim them anew. */
  readonly #switched = new Set<string>();
  /** Where rows begin of which the log no longer had all. */
  readonly #begins = new Map<string, bigint>();
  readonly #serving = new Map<string, number>();
  readonly #switches = new Map<string, number>();
  /** What they have set aside. */
  readonly parked: MemoryParkedEvents;
  #boundLog: string | undefined;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
    this.parked = new MemoryParkedEvents(
      clock,
      ({ projection: name, version }, at) => this.#checkpoints.get(checkpointId({ name, version }, at))?.position ?? 0n,
    );
  }

  override async ensure(projection: Projection<DomainEvent>): Promise<boolean> {
    const id = versionId(projection);
    if (this.#versions.has(id)) return true;
    if (this.servingVersion(projection.name) > 0) return false;
    this.#versions.set(id, new MemoryTables(projection));
    this.#serving.set(projection.name, projection.version);
    return true;
  }

  override async claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    const stored = this.#checkpoint(projection, at);
    if (epoch < stored.epoch) throw fenced(stored);
    this.#switched.delete(checkpointId(projection, at));
    this.#checkpoints.set(checkpointId(projection, at), { ...stored, epoch });
    return stored.position;
  }

  override async begin(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint, first: bigint): Promise<void> {
    const stored = this.#checkpoint(projection, at);
    const id = checkpointId(projection, at);
    if (stored.position !== 0n || epoch < stored.epoch || this.#switched.has(id)) throw fenced(stored);
    this.#begins.set(id, first);
  }

  override async commit(commit: ProjectionCommit): Promise<void> {
    await this.commitTogether([commit]);
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    const places = new Set<string>();
    for (const { projection, at, from, to, epoch, changes, holds } of commits) {
      const stored = this.#checkpoint(projection, at);
      // Of two commits of one partition the second does not find it as it expects.
      const id = checkpointId(projection, at);
      if (stored.position !== from || epoch < stored.epoch || this.#switched.has(id) || places.has(id)) throw fenced(stored);
      places.add(id);
      if (holds !== undefined && !this.parked.fits(projection, at, holds)) throw fenced(stored);
      assert(to >= from, 'a checkpoint never goes back');
      for (const change of changes) checkChange(projection, change);
    }
    for (const { projection, at, to, epoch, changes, holds } of commits) {
      this.#tables(projection).join(changes);
      if (holds !== undefined) this.parked.hold(projection, at, holds);
      this.#checkpoints.set(checkpointId(projection, at), { ...this.#checkpoint(projection, at), position: to, epoch, movedAtMs: this.#clock.now() });
    }
  }

  override async redrive(commit: RedriveCommit): Promise<void> {
    const { projection, at, epoch, changes } = commit;
    const stored = this.#checkpoint(projection, at);
    if (epoch < stored.epoch || this.#switched.has(checkpointId(projection, at)) || !this.parked.stands(commit)) throw fenced(stored);
    for (const change of changes) checkChange(projection, change);
    this.#tables(projection).join(changes);
    this.parked.redriven(commit);
  }

  override async checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    return this.checkpointsNow(projection);
  }

  override async boundLog(): Promise<string | undefined> {
    return this.#boundLog;
  }

  override async bindLog(log: string): Promise<string> {
    return (this.#boundLog ??= log);
  }

  checkpointsNow(projection?: string): readonly CheckpointView[] {
    return [...this.#checkpoints.values()].filter((checkpoint) => projection === undefined || checkpoint.projection === projection);
  }

  /** The version that readers see; 0 when there is none. */
  servingVersion(projection: string): number {
    return this.#serving.get(projection) ?? 0;
  }

  /** For {@link MemoryProjectionBuilds}: the versions that have tables. */
  get made(): readonly MemoryTables[] {
    return [...this.#versions.values()];
  }

  /** Lets readers see a version. */
  serve(projection: string, version: number): void {
    this.#serving.set(projection, version);
    this.#switches.set(projection, (this.#switches.get(projection) ?? 0) + 1);
  }

  /** Names the rows that serve: each promotion and roll-back brings others. */
  servingName(projection: string): string {
    return String(this.#switches.get(projection) ?? '');
  }

  /** Gives a version other tables, checkpoints and parked events, and answers those that it had. */
  exchange(tables: MemoryTables, positions: readonly MemoryPosition[], parked: readonly ParkedEvent[]): MemoryModel | undefined {
    const { projection } = tables;
    const before = this.#versions.get(versionId(projection));
    const old =
      before === undefined
        ? undefined
        : { tables: before, positions: this.positionsOf(projection.name, projection.version), parked: this.parked.take(projection) };
    this.parked.put(parked);
    this.#versions.set(versionId(projection), tables);
    for (const at of positions) {
      const id = checkpointId(projection, at);
      if (this.#checkpoints.has(id)) this.#switched.add(id);
      this.#checkpoints.set(id, { ...this.#checkpoint(projection, at), position: at.position, movedAtMs: this.#clock.now() });
      this.#begins.set(id, at.first ?? 0n);
    }
    return old;
  }

  forget({ name, version }: Projection<DomainEvent>): void {
    this.parked.take({ name, version });
    this.#versions.delete(versionId({ name, version }));
    for (const [id, one] of this.#checkpoints) if (one.projection === name && one.version === version) this.#forgetCheckpoint(id);
  }

  positionsOf(projection: string, version: number): readonly MemoryPosition[] {
    const mine = this.checkpointsNow(projection).filter((one) => one.version === version);
    return mine.map((one) => ({ ...one, first: this.#begins.get(checkpointId({ name: projection, version }, one)) }));
  }

  override async reset(projection: Projection<DomainEvent>): Promise<void> {
    this.#tables(projection).clear();
    this.parked.take(projection);
    for (const [id, checkpoint] of this.#checkpoints) {
      if (checkpoint.projection !== projection.name || checkpoint.version !== projection.version) continue;
      this.#switched.add(id);
      this.#begins.delete(id);
      this.#checkpoints.set(id, { ...checkpoint, position: 0n, movedAtMs: this.#clock.now() });
    }
  }

  /** Rows of the serving version that has the table; undefined when none has it. */
  serving(table: TableSpec): readonly RowChange[] | undefined {
    const found = this.made.find(
      ({ projection: { name, version, tables } }) => version === this.servingVersion(name) && tables.some((one) => one.name === table.name),
    );
    return found?.rows(table);
  }

  #tables(projection: Projection<DomainEvent>): MemoryTables {
    const tables = this.#versions.get(versionId(projection));
    assert(tables !== undefined, `${versionId(projection)} was not ensured`);
    return tables;
  }

  #forgetCheckpoint(id: string): void {
    this.#checkpoints.delete(id);
    this.#switched.delete(id);
    this.#begins.delete(id);
  }

  #checkpoint(projection: Projection<DomainEvent>, at: ProjectionPartition): CheckpointView {
    const fresh = { ...at, projection: projection.name, version: projection.version, position: 0n, epoch: 0n, movedAtMs: this.#clock.now() };
    return this.#checkpoints.get(checkpointId(projection, at)) ?? fresh;
  }
}

function versionId({ name, version }: Pick<Projection<DomainEvent>, 'name' | 'version'>): string {
  return `${name} v${version}`;
}

function checkpointId(projection: Pick<Projection<DomainEvent>, 'name' | 'version'>, { topic, partition }: ProjectionPartition): string {
  return `${versionId(projection)} ${topic}/${partition}`;
}

function checkChange(projection: Projection<DomainEvent>, change: RowChange): void {
  const table = projection.tables.find(({ name }) => name === change.table);
  assert(table !== undefined, `${projection.name} has no table ${change.table}`);
  for (const name of Object.keys(table.key)) assert(change.key[name] !== undefined, `${change.table}: the key lacks ${name}`);
  for (const name of Object.keys(change.set)) {
    const fault = columnFault(table, name, change.set[name]);
    assert(fault === undefined, fault ?? '');
  }
  const missing = wholeStampGroups(table, change);
  assert(missing.length === 0, `${change.table}: ${missing.join(', ')} must be set with the rest of the stamp's columns`);
}

function fenced({ projection, topic, partition, position, epoch }: CheckpointView): OperatingError {
  return new OperatingError(`The checkpoint of ${projection} at ${topic}/${partition} has moved on to ${position} in epoch ${epoch}.`, {
    code: 'CHECKPOINT_FENCED',
    retryable: false,
  });
}
