import type { DomainEvent } from '#events';
import { assert, OperatingError, wholeStampGroups, type Projection, type RowChange, type TableSpec } from '#kernel';
import { ProjectionStore, type CheckpointView, type Clock, type ProjectionCommit, type ProjectionPartition } from '#ports';
import { MemoryTables } from './memory-tables.ts';

/** Read models that live as long as their object; {@link MemoryReadStore} reads them. */
export class MemoryProjectionStore extends ProjectionStore {
  readonly #clock: Clock;
  readonly #versions = new Map<string, MemoryTables>();
  readonly #checkpoints = new Map<string, CheckpointView>();

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async ensure(projection: Projection<DomainEvent>): Promise<void> {
    const id = versionId(projection);
    if (!this.#versions.has(id)) this.#versions.set(id, new MemoryTables(projection));
  }

  override async claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    const stored = this.#checkpoint(projection, at);
    if (epoch < stored.epoch) throw fenced(stored);
    this.#checkpoints.set(checkpointId(projection, at), { ...stored, epoch });
    return stored.position;
  }

  override async commit(commit: ProjectionCommit): Promise<void> {
    await this.commitTogether([commit]);
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    for (const { projection, at, from, to, epoch, changes } of commits) {
      const stored = this.#checkpoint(projection, at);
      if (stored.position !== from || epoch < stored.epoch) throw fenced(stored);
      assert(to >= from, 'a checkpoint never goes back');
      for (const change of changes) checkChange(projection, change);
    }
    for (const { projection, at, to, epoch, changes } of commits) {
      this.#tables(projection).join(changes);
      this.#checkpoints.set(checkpointId(projection, at), { ...this.#checkpoint(projection, at), position: to, epoch, movedAtMs: this.#clock.now() });
    }
  }

  override async checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    return this.checkpointsNow(projection);
  }

  checkpointsNow(projection?: string): readonly CheckpointView[] {
    return [...this.#checkpoints.values()].filter((checkpoint) => projection === undefined || checkpoint.projection === projection);
  }

  /** The newest version of the projection that was made; 0 when none was. */
  servingVersion(projection: string): number {
    return Math.max(0, ...[...this.#versions.values()].filter((tables) => tables.projection.name === projection).map((tables) => tables.projection.version));
  }

  override async reset(projection: Projection<DomainEvent>): Promise<void> {
    this.#tables(projection).clear();
    for (const [id, checkpoint] of this.#checkpoints) {
      if (checkpoint.projection !== projection.name || checkpoint.version !== projection.version) continue;
      this.#checkpoints.set(id, { ...checkpoint, position: 0n, movedAtMs: this.#clock.now() });
    }
  }

  /** Rows of the newest version that has the table; undefined when none has it. */
  serving(table: TableSpec): readonly RowChange[] | undefined {
    const candidates = [...this.#versions.values()].filter(({ projection }) => projection.tables.some(({ name }) => name === table.name));
    const newest = candidates.sort((a, b) => b.projection.version - a.projection.version)[0];
    return newest?.rows(table);
  }

  #tables(projection: Projection<DomainEvent>): MemoryTables {
    const tables = this.#versions.get(versionId(projection));
    assert(tables !== undefined, `${versionId(projection)} was not ensured`);
    return tables;
  }

  #checkpoint(projection: Projection<DomainEvent>, at: ProjectionPartition): CheckpointView {
    const fresh = { ...at, projection: projection.name, version: projection.version, position: 0n, epoch: 0n, movedAtMs: this.#clock.now() };
    return this.#checkpoints.get(checkpointId(projection, at)) ?? fresh;
  }
}

function versionId({ name, version }: Projection<DomainEvent>): string {
  return `${name} v${version}`;
}

function checkpointId(projection: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): string {
  return `${versionId(projection)} ${topic}/${partition}`;
}

function checkChange(projection: Projection<DomainEvent>, change: RowChange): void {
  const table = projection.tables.find(({ name }) => name === change.table);
  assert(table !== undefined, `${projection.name} has no table ${change.table}`);
  for (const name of Object.keys(table.key)) assert(change.key[name] !== undefined, `${change.table}: the key lacks ${name}`);
  for (const name of Object.keys(change.set)) assert(table.columns[name] !== undefined, `${change.table} has no column ${name}`);
  const missing = wholeStampGroups(table, change);
  assert(missing.length === 0, `${change.table}: ${missing.join(', ')} must be set with the rest of the stamp's columns`);
}

function fenced({ projection, topic, partition, position, epoch }: CheckpointView): OperatingError {
  return new OperatingError(`The checkpoint of ${projection} at ${topic}/${partition} has moved on to ${position} in epoch ${epoch}.`, {
    code: 'CHECKPOINT_FENCED',
    retryable: false,
  });
}
