import type { DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import type { ParkedEvents } from '../../parked-events.port.ts';
import type { ProjectionPartition } from '../../projection-partition.ts';
import type { ProjectionStore } from '../../projection-store.port.ts';
import type { ReadRow, ReadStore } from '../../read-store.port.ts';
import type { ReadTotals } from '../../read-totals.port.ts';
import { freshName } from '../subject.ts';

/** A projection store and the read store that reads what it wrote. */
export interface ProjectionSubject {
  readonly projections: ProjectionStore;
  /** What it has set aside. */
  readonly parked: ParkedEvents;
  readonly rows: ReadStore;
  readonly totals: ReadTotals;
}

export const home: ProjectionPartition = { topic: 'stream', partition: 3 };

/** A projection of its own with one table that has every type and join. */
export interface ProjectionFixture {
  readonly projection: Projection<DomainEvent>;
  readonly table: TableSpec;
}

export function makeProjection(version = 1, name = freshName('projection')): ProjectionFixture {
  const table: TableSpec = {
    name: `${name}_rows`,
    key: { id: 'text', part: 'integer', number: 'bigint' },
    columns: {
      created_by: { type: 'text', join: 'once' },
      born_ms: { type: 'timestamp', join: 'once' },
      last_sequence: { type: 'bigint', join: 'max' },
      most: { type: 'integer', join: 'max' },
      least: { type: 'double', join: 'min' },
      first_ms: { type: 'timestamp', join: 'min' },
      name_max: { type: 'text', join: 'max' },
      ever: { type: 'boolean', join: 'max' },
      always: { type: 'boolean', join: 'min' },
      status: { type: 'text', join: 'lww', stamp: 'status' },
      detail: { type: 'json', join: 'lww', stamp: 'status' },
      count: { type: 'bigint', join: 'lww', stamp: 'count' },
      on_air: { type: 'boolean', join: 'lww', stamp: 'count' },
      at_ms: { type: 'timestamp', join: 'lww', stamp: 'count' },
      ratio: { type: 'double', join: 'lww', stamp: 'count' },
      small: { type: 'integer', join: 'lww', stamp: 'count' },
    },
    indexes: [['last_sequence'], ['status', 'born_ms']],
  };
  const other: TableSpec = { name: `${name}_other`, key: { id: 'text' }, columns: { seen: { type: 'bigint', join: 'max' } } };
  const projection = { name, version, contexts: ['stream'], handles: [], ignores: [], tables: [table, other], project: () => [] };
  return { projection, table };
}

export function keyOf(id: string, part = 0, number = 0n): RowChange['key'] {
  return { id, part, number };
}

/** The group `count` with its other columns null. */
export function countGroup(
  set: Readonly<Partial<Record<'count' | 'on_air' | 'at_ms' | 'ratio' | 'small', bigint | boolean | number | null>>>,
): RowChange['set'] {
  return { count: null, on_air: null, at_ms: null, ratio: null, small: null, ...set };
}

/** What a test needs to write and read one projection. */
export class ProjectionDriver {
  readonly projection: Projection<DomainEvent>;
  readonly table: TableSpec;
  readonly #subject: ProjectionSubject;
  #position = 0n;

  constructor(subject: ProjectionSubject, fixture: ProjectionFixture) {
    this.#subject = subject;
    this.projection = fixture.projection;
    this.table = fixture.table;
  }

  static async open(subject: ProjectionSubject, fixture = makeProjection()): Promise<ProjectionDriver> {
    await subject.projections.ensure(fixture.projection);
    await subject.projections.claim(fixture.projection, home, 1n);
    return new ProjectionDriver(subject, fixture);
  }

  get position(): bigint {
    return this.#position;
  }

  change(key: RowChange['key'], set: RowChange['set'], stamps?: RowChange['stamps']): RowChange {
    return { table: this.table.name, key, set, ...(stamps === undefined ? {} : { stamps }) };
  }

  /** Commits changes, moving the checkpoint on by one. */
  async write(...changes: RowChange[]): Promise<void> {
    const [from, to] = [this.#position, this.#position + 1n];
    await this.#subject.projections.commit({ projection: this.projection, at: home, from, to, epoch: 1n, changes });
    this.#position = to;
  }

  async rows(): Promise<readonly ReadRow[]> {
    return this.#subject.rows.select(this.table, { orderBy: [{ column: 'id' }, { column: 'part' }, { column: 'number' }], limit: 10_000 });
  }

  /** The one row there is. */
  async row(): Promise<ReadRow> {
    const rows = await this.rows();
    if (rows.length !== 1) throw new Error(`${rows.length} rows instead of one`);
    return rows[0] as ReadRow;
  }
}
