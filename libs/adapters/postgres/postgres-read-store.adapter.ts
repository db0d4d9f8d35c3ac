import { assert, OperatingError, type ColumnType, type ColumnValue, type TableSpec } from '#kernel';
import { ReadStore, type ReadQuery, type ReadRow, type ReadSnapshot, type RowKey } from '#ports';
import type { Database, Statement, TextRow } from './database.ts';
import { asTableUnknown, operators } from './read-errors.ts';

const limitMax = 10_000;
/** Types of key columns as they are compared; a text column brings its own order. */
const keyTypes = { text: 'text', integer: 'bigint', bigint: 'bigint' } as const;

/** Where rows are, when they are not those that serve. */
export interface BuildPlace {
  readonly schema: string;
  /** Whose positions a snapshot has. */
  readonly build: string;
}

/** Reads the views of the serving versions in the schema `read`, or the tables of one build. */
export class PostgresReadStore extends ReadStore {
  readonly #database: Database;
  readonly #schema: string;
  readonly #positions: Statement | undefined;

  constructor(database: Database, place?: BuildPlace) {
    super();
    this.#database = database;
    this.#schema = place?.schema ?? 'read';
    this.#positions = place === undefined ? undefined : { text: positionsSql, values: [place.build] };
  }

  override async select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    const { rows } = await this.#database.read(selectSql(this.#schema, table, query)).catch(asTableUnknown(table));
    return rowsOf(table, rows);
  }

  override async snapshot(projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot> {
    const select = selectSql(this.#schema, table, query);
    const found = await this.#database
      .transaction(async (run) => {
        // The view is held before the snapshot is taken: tables that changed places in between would be seen with the
        // checkpoints of the others. Two statements in one message, which is one way to the server and back.
        await run({ text: `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; LOCK TABLE ${this.#schema}."${table.name}" IN ACCESS SHARE MODE` });
        const checkpoints = await run(this.#positions ?? { text: checkpointsSql, name: 'serving_checkpoints', values: [projection] });
        return { checkpoints: checkpoints.rows, rows: (await run(select)).rows };
      })
      .catch(asTableUnknown(table));
    const version = Number(found.checkpoints[0]?.[0] ?? 0);
    const checkpoints = found.checkpoints.flatMap(([, , topic, partition, position]) =>
      topic === null || topic === undefined ? [] : [{ topic, partition: Number(partition), position: BigInt(position ?? 0) }],
    );
    return { rows: rowsOf(table, found.rows), version, serving: found.checkpoints[0]?.[1] ?? '', checkpoints };
  }
}

/** A row at least, so that the version is known before the first checkpoint. */
const checkpointsSql = `
  SELECT serving.version, build.build, mine.topic, mine.partition, mine.position
  FROM streams.projection_versions AS serving LEFT JOIN streams.checkpoints AS mine USING (projection, version)
    LEFT JOIN streams.projection_builds AS build ON build.projection = serving.projection AND build.state = 'serving'
  WHERE serving.projection = $1 AND serving.serving`;

const positionsSql = `
  SELECT made.version, made.build, mine.topic, mine.partition, mine.position
  FROM streams.projection_builds AS made LEFT JOIN streams.build_positions AS mine USING (build) WHERE made.build = $1`;

function columnsOf(table: TableSpec): ReadonlyArray<readonly [string, ColumnType]> {
  return [...Object.entries(table.key), ...Object.entries(table.columns).map(([name, { type }]) => [name, type] as const)];
}

function rowsOf(table: TableSpec, rows: readonly TextRow[]): readonly ReadRow[] {
  const columns = columnsOf(table);
  return rows.map((row) => {
    const values: Record<string, ColumnValue> = {};
    columns.forEach(([name, type], at) => (values[name] = valueOf(type, row[at] ?? null)));
    return values;
  });
}

/** Column names come from the spec, so nothing that a caller made up gets into the text. */
function selectSql(schema: string, table: TableSpec, { where = [], orderBy = [], after, keys, limit }: ReadQuery): Statement {
  const columns = columnsOf(table).map(([name]) => name);
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    throw new OperatingError(`The limit must be 1 to ${limitMax}, not ${limit}.`, { code: 'LIMIT_INVALID', retryable: false });
  }
  const known = new Set(columns);
  for (const { column } of [...where, ...orderBy]) {
    if (!known.has(column)) throw new OperatingError(`The table ${table.name} has no column ${column}.`, { code: 'COLUMN_UNKNOWN', retryable: false });
  }
  const values: unknown[] = [];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const conditions = where.map(({ column, is, value }) => `"${column}" ${operators[is]} ${place(String(value))}`);
  const key = Object.entries(table.key);
  const names = key.map(([name]) => `"${name}"`).join(', ');
  const valueIn = (one: RowKey, name: string): string => {
    assert(one[name] !== undefined, `${table.name}: the key lacks ${name}`);
    return String(one[name]);
  };
  if (after !== undefined) conditions.push(`(${names}) > (${key.map(([name, type]) => `${place(valueIn(after, name))}::${keyTypes[type]}`).join(', ')})`);
  if (keys !== undefined) {
    const arrays = key.map(([name, type]) => `${place(keys.map((one) => valueIn(one, name)))}::${keyTypes[type]}[]`);
    conditions.push(`(${names}) IN (SELECT * FROM unnest(${arrays.join(', ')}))`);
  }
  const order = orderBy.map(({ column, descending }) => `"${column}"${descending === true ? ' DESC' : ''}`);
  const text = [
    `SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM ${schema}."${table.name}"`,
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`,
    `LIMIT ${limit}`,
  ];
  return { text: text.join(' '), values };
}

function valueOf(type: ColumnType, text: string | null): ColumnValue {
  if (text === null) return null;
  switch (type) {
    case 'text':
      return text;
    case 'integer':
    case 'count':
    case 'timestamp':
    case 'double':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'boolean':
      return text === 't';
    case 'json':
      return JSON.parse(text) as ColumnValue;
  }
}
