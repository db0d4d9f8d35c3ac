import type { DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import type { BuildClaim, BuildStep, FoldBetween, PassedOver, ProjectionBuilds } from '../../projection-builds.port.ts';
import type { ProjectionPartition } from '../../projection-partition.ts';
import type { ProjectionStore } from '../../projection-store.port.ts';
import type { ReadRow, ReadStore } from '../../read-store.port.ts';
import { freshName } from '../subject.ts';

/** Builds, the projection store beside them, and the read store over both. */
export interface BuildsSubject {
  readonly builds: ProjectionBuilds;
  readonly projections: ProjectionStore;
  readonly rows: ReadStore;
}

export const first: ProjectionPartition = { topic: 'stream', partition: 0 };
export const second: ProjectionPartition = { topic: 'stream', partition: 1 };
/** The epoch of the live owner, and of the build's. */
export const liveEpoch = 3n;
export const epoch = 5n;

export const noFold: FoldBetween = () => Promise.reject(new Error('nothing is missing, so nothing is folded'));

/** A projection of one table: a row per id, `made_by` tells which code made it. */
export function makeModel(name = freshName('model'), version = 1, ...more: string[]): { projection: Projection<DomainEvent>; table: TableSpec } {
  const extra = Object.fromEntries(more.map((column) => [column, { type: 'integer', join: 'max' } as const]));
  const table: TableSpec = {
    name: `${name}_rows`,
    key: { id: 'text', part: 'integer' },
    columns: { n: { type: 'integer', join: 'max' }, made_by: { type: 'text', join: 'max' }, big: { type: 'bigint', join: 'lww', stamp: 'big' }, ...extra },
    indexes: [['made_by'], ['n', 'id']],
  };
  return { projection: { name, version, contexts: ['stream'], handles: [], ignores: [], tables: [table], project: () => [] }, table };
}

/** One model with a live version, and builds of it. */
export class ModelDriver {
  readonly projection: Projection<DomainEvent>;
  readonly table: TableSpec;
  readonly #subject: BuildsSubject;

  constructor(subject: BuildsSubject, model = makeModel()) {
    this.#subject = subject;
    this.projection = model.projection;
    this.table = model.table;
  }

  /** With a live version that has read ten events of each partition: two rows made by `live`. */
  static async live(subject: BuildsSubject): Promise<ModelDriver> {
    const driver = new ModelDriver(subject);
    await subject.projections.ensure(driver.projection);
    for (const at of [first, second]) {
      await subject.projections.claim(driver.projection, at, liveEpoch);
      await driver.commit(at, 0n, 10n, driver.row(`r${at.partition}`, 10, 'live'));
    }
    return driver;
  }

  row(id: string, n: number, madeBy: string, part = 0): RowChange {
    return { table: this.table.name, key: { id, part }, set: { n, made_by: madeBy } };
  }

  /** What the consumer host does. */
  commit(at: ProjectionPartition, from: bigint, to: bigint, ...changes: RowChange[]): Promise<void> {
    return this.#subject.projections.commit({ projection: this.projection, at, from, to, epoch: liveEpoch, changes });
  }

  claim(id: string, by = epoch, projection = this.projection): BuildClaim {
    return { id, projection, epoch: by };
  }

  create(claim: BuildClaim, whole = true, begins = 0n): Promise<unknown> {
    return this.#subject.builds.create({ ...claim, whole, starts: [first, second].map((at) => ({ ...at, first: begins })) });
  }

  /** Where the rows of its version begin, by partition. */
  async begins(): Promise<readonly string[] | undefined> {
    const { name, version } = this.projection;
    const mine = (await this.#subject.builds.versions()).find((one) => one.projection === name && one.version === version);
    return mine?.begins.map(({ topic, partition, first: begins }) => `${topic}/${partition} ${begins}`);
  }

  load(claim: BuildClaim, moves: ReadonlyArray<readonly [ProjectionPartition, bigint, bigint, PassedOver?]>, ...changes: RowChange[]): Promise<void> {
    const steps = moves.map(([at, from, to, passed = { skipped: 0, poisoned: [] }]): BuildStep => ({ ...at, from, to, ...passed }));
    return this.#subject.builds.load({ ...claim, moves: steps, changes });
  }

  /** A build that has read both partitions as far as `to` and holds the rows that `rebuilt` made; ready to be promoted. */
  async built(id: string, to = 10n, projection = this.projection, ...changes: RowChange[]): Promise<BuildClaim> {
    const claim = this.claim(id, epoch, projection);
    await this.create(claim);
    const rows = changes.length > 0 ? changes : [this.row('r0', 10, 'rebuilt'), this.row('r1', 10, 'rebuilt')];
    await this.load(
      claim,
      [
        [first, 0n, to],
        [second, 0n, to],
      ],
      ...rows,
    );
    await this.#subject.builds.finish(claim);
    return claim;
  }

  promote(claim: BuildClaim, fold = noFold, behindMax = 100): ReturnType<ProjectionBuilds['promote']> {
    return this.#subject.builds.promote({ ...claim, behindMax, fold });
  }

  async makers(table = this.table): Promise<readonly unknown[]> {
    return (await this.rows(table)).map((row) => row['made_by']);
  }

  rows(table = this.table): Promise<readonly ReadRow[]> {
    return this.#subject.rows.select(table, { orderBy: [{ column: 'id' }, { column: 'part' }], limit: 10_000 });
  }

  async positions(): Promise<readonly bigint[]> {
    const { checkpoints } = await this.#subject.rows.snapshot(this.projection.name, this.table, { limit: 1 });
    return [first, second].map((at) => checkpoints.find(({ topic, partition }) => topic === at.topic && partition === at.partition)?.position ?? -1n);
  }
}

let ids = 0;

export function freshBuild(): string {
  return `rp-${String(++ids).padStart(6, '0')}`;
}
