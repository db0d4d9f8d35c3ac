import { assert, OperatingError, type ColumnJoin, type ColumnSpec, type ColumnType, type Projection, type TableSpec } from '#kernel';

/**
 * How column types are stored. Integers, counts and timestamps (ms since the Unix epoch) are JavaScript numbers up to 2^53, more
 * than `integer` holds; text compares by code point on every server, whatever its locale.
 */
const storedAs: Readonly<Record<ColumnType, string>> = {
  text: 'text COLLATE "C"',
  integer: 'bigint',
  bigint: 'bigint',
  count: 'bigint',
  timestamp: 'bigint',
  double: 'double precision',
  boolean: 'boolean',
  json: 'jsonb',
};

/** The element type of the array that carries a column's values. */
const arrayOf: Readonly<Record<ColumnType, string>> = { ...storedAs, text: 'text' };

const nameShape = /^[a-z][a-z0-9_]{0,49}$/;
/** Stages go into SQL as they are. */
const stageShape = /^[a-z][a-z0-9-]{0,49}$/;

/** The schema of one version of a projection. */
export function schemaOf({ name, version }: Pick<Projection<never>, 'name' | 'version'>): string {
  return `${name}_v${version}`;
}

/** The column that orders the writes of a stamp group; the `$` keeps it apart from every column of a spec. */
export function stampColumn(stamp: string): string {
  return `${stamp}$stamp`;
}

/** The stamp groups of a table, in the order of their first column. */
export function stampsOf(table: TableSpec): readonly string[] {
  return [...new Set(Object.values(table.columns).flatMap(({ stamp }) => stamp ?? []))];
}

/** A number counts one writer's writes; the text of a hybrid logical clock orders those of several places. */
export function stampType(table: TableSpec, stamp: string): 'bigint' | 'text' {
  return Object.values(table.columns).some((column) => column.stamp === stamp && column.join === 'hlc') ? 'text' : 'bigint';
}

const growing: readonly ColumnJoin[] = ['max', 'min', 'counter', 'set', 'register'];
const stamped: readonly ColumnJoin[] = ['lww', 'hlc'];
/** The type that a join needs, where it needs one. */
const joinTypes: Readonly<Partial<Record<ColumnJoin, ColumnType>>> = { enum: 'text', counter: 'json', set: 'json', register: 'json' };

/** What is wrong with a column; undefined when nothing is. */
function faultOf(table: TableSpec, name: string, { type, join, stamp, stages }: ColumnSpec): string | undefined {
  if (name in table.key) return 'is a key and a column';
  if (stamped.includes(join) !== (stamp !== undefined)) return 'must have a stamp exactly when its join is lww or hlc';
  if (join === 'lww' && stampType(table, stamp ?? '') === 'text') return `shares the stamp ${stamp} with columns of the join hlc`;
  if (type === 'json' && (join === 'max' || join === 'min')) return 'plain data has no greatest';
  if (joinTypes[join] !== undefined && joinTypes[join] !== type) return `must be ${joinTypes[join]} for the join ${join}`;
  if ((join === 'enum') !== (stages !== undefined)) return 'must have stages exactly when its join is enum';
  if (stages !== undefined && (!stages.every((stage) => stageShape.test(stage)) || new Set(stages).size !== stages.length || stages.length === 0))
    return 'must have stages that are told apart, of lower-case letters, digits and dashes';
  return undefined;
}

/** Names go into SQL as they are, and joins need an order: a spec that breaks this is refused before anything is made of it. */
export function checkProjection(projection: Projection<never>): void {
  const refuse = (why: string) => {
    throw new OperatingError(`The projection ${projection.name} is not usable: ${why}.`, { code: 'PROJECTION_INVALID', retryable: false });
  };
  if (!nameShape.test(projection.name) || !Number.isInteger(projection.version) || projection.version < 1)
    refuse('its name must be snake_case and its version a positive integer');
  for (const table of projection.tables) {
    const columns = Object.entries(table.columns);
    if (Object.keys(table.key).length === 0) refuse(`${table.name} has no key`);
    for (const name of [table.name, ...Object.keys(table.key), ...columns.map(([column]) => column), ...stampsOf(table)]) {
      if (!nameShape.test(name)) refuse(`"${name}" is not snake_case of at most 50 letters`);
    }
    for (const [name, column] of columns) {
      const fault = faultOf(table, name, column);
      if (fault !== undefined) refuse(`${table.name}.${name} ${fault}`);
    }
    const { newest, oldest } = table.expires ?? {};
    for (const [name, join] of [
      [newest, 'max'],
      [oldest, 'min'],
    ] as const) {
      const column = name === undefined ? undefined : table.columns[name];
      if (name !== undefined && (column?.type !== 'bigint' || ![join, 'once'].includes(column.join)))
        refuse(`${table.name} expires by ${name}, which is no bigint of the join ${join} or once`);
    }
    for (const name of table.indexes?.flat() ?? [])
      if (!(name in table.key) && !(name in table.columns)) refuse(`${table.name} has no column ${name} to index`);
  }
}

/** The statements that make a table and its indexes. */
export function createTableSql(schema: string, table: TableSpec): readonly string[] {
  const key = Object.entries(table.key).map(([name, type]) => `"${name}" ${storedAs[type]} NOT NULL`);
  const columns = Object.entries(table.columns).map(([name, { type }]) => `"${name}" ${storedAs[type]}`);
  const stamps = stampsOf(table).map((stamp) => `"${stampColumn(stamp)}" ${storedAs[stampType(table, stamp)]}`);
  const quotedKey = Object.keys(table.key)
    .map((name) => `"${name}"`)
    .join(', ');
  const lines = [...key, ...columns, ...stamps, `PRIMARY KEY (${quotedKey})`];
  const indexes = (table.indexes ?? []).map((names) => `CREATE INDEX ON ${schema}."${table.name}" (${names.map((name) => `"${name}"`).join(', ')})`);
  // Room on each page lets an update stay on its page without touching the indexes: a third less time per upsert of
  // rows that change with every batch. A table that never takes a maximum or counts is mostly written once.
  const grows = Object.values(table.columns).some(({ join }) => growing.includes(join));
  return [`CREATE TABLE ${schema}."${table.name}" (\n  ${lines.join(',\n  ')}\n) WITH (fillfactor = ${grows ? 75 : 100})`, ...indexes];
}

/** What is older in an expiring table has expired, ms since the Unix epoch; null where rows are kept for ever. Asked once per statement. */
export function horizonSql(table: string): string {
  return `(SELECT streams.row_horizon('${table}'))`;
}

/** The view through which readers see a table: its key and columns, without the stamps and without rows that have expired. */
export function createViewSql(schema: string, table: TableSpec): string {
  const columns = [...Object.keys(table.key), ...Object.keys(table.columns)].map((name) => `"${name}"`).join(', ');
  const lives = table.expires === undefined ? '' : ` WHERE ("${table.expires.newest}" < ${horizonSql(table.name)}) IS NOT TRUE`;
  return `CREATE VIEW read."${table.name}" AS SELECT ${columns} FROM ${schema}."${table.name}"${lives}`;
}

/** The columns of one upsert: names as in the spec, and the stamp groups that they belong to. */
export interface UpsertColumns {
  readonly columns: readonly string[];
  readonly stamps: readonly string[];
}

/**
 * One statement that joins many rows into a table, given one array per column: key, columns, stamps. A null is the
 * identity of every join (a null stamp loses to any), so a row that does not set a column passes null for it. Rows must
 * come in key order, so that two writers lock them in the same order.
 */
export function upsertSql(schema: string, table: TableSpec, { columns, stamps }: UpsertColumns): string {
  const key = Object.entries(table.key);
  const types = [...key.map(([, type]) => type), ...columns.map((name) => specOf(table, name).type), ...stamps.map((stamp) => stampType(table, stamp))];
  const names = [...key.map(([name]) => name), ...columns, ...stamps.map(stampColumn)].map((name) => `"${name}"`);
  const arrays = types.map((type, at) => `$${at + 1}::${arrayOf[type]}[]`);
  const joins = [
    ...columns.map((name) => `"${name}" = ${joinSql(name, specOf(table, name))}`),
    ...stamps.map((stamp) => `"${stampColumn(stamp)}" = ${greatest(stampColumn(stamp))}`),
  ];
  const conflict = joins.length === 0 ? 'DO NOTHING' : `DO UPDATE SET\n  ${joins.join(',\n  ')}`;
  return `INSERT INTO ${schema}."${table.name}" AS mine (${names.join(', ')})
SELECT * FROM unnest(${arrays.join(', ')})
ON CONFLICT (${key.map(([name]) => `"${name}"`).join(', ')}) ${conflict}`;
}

/** Takes many rows that are all new: half of what the upsert costs the server. Columns in the order of {@link upsertSql}. */
export function copySql(schema: string, table: TableSpec, { columns, stamps }: UpsertColumns): string {
  const names = [...Object.keys(table.key), ...columns, ...stamps.map(stampColumn)].map((name) => `"${name}"`);
  return `COPY ${schema}."${table.name}" (${names.join(', ')}) FROM STDIN`;
}

function specOf(table: TableSpec, name: string): ColumnSpec {
  const spec = table.columns[name];
  assert(spec !== undefined, `the table ${table.name} has no column ${name}`);
  return spec;
}

/** The join of the kernel's `joinValues` in SQL; GREATEST and LEAST pass over nulls. */
function joinSql(name: string, { join, stamp, stages = [] }: ColumnSpec): string {
  switch (join) {
    case 'once':
    case 'max':
      return greatest(name);
    case 'min':
      return `LEAST(mine."${name}", excluded."${name}")`;
    case 'lww':
    case 'hlc':
      return lastWriteSql(name, stampColumn(stamp ?? ''));
    case 'enum':
      return stageSql(name, stages);
    case 'counter':
      return entriesSql(name, 'max(value::numeric)');
    case 'set':
    case 'register':
      // A tombstone wins; two values under one dot break the law of dots, and the greater wins then.
      return entriesSql(name, `CASE WHEN bool_or(value IS NULL) THEN NULL ELSE max(value COLLATE "C") END`);
  }
}

function greatest(name: string): string {
  return `GREATEST(mine."${name}", excluded."${name}")`;
}

function lastWriteSql(name: string, stamp: string): string {
  const [mine, theirs] = [`mine."${stamp}"`, `excluded."${stamp}"`];
  return `CASE WHEN ${mine} IS NULL OR ${theirs} > ${mine} THEN excluded."${name}" WHEN ${theirs} = ${mine} THEN ${greatest(name)} ELSE mine."${name}" END`;
}

function stageSql(name: string, stages: readonly string[]): string {
  const all = `ARRAY[${stages.map((stage) => `'${stage}'`).join(', ')}]`;
  return `(${all})[GREATEST(array_position(${all}, mine."${name}"), array_position(${all}, excluded."${name}"))]`;
}

/** Joins two objects name by name; `value` is a name's values as text, null for a JSON null. */
function entriesSql(name: string, value: string): string {
  const [mine, theirs] = [`mine."${name}"`, `excluded."${name}"`];
  const both = `SELECT * FROM jsonb_each_text(${mine}) UNION ALL SELECT * FROM jsonb_each_text(${theirs})`;
  const joined = `SELECT jsonb_object_agg(key, joined) FROM (SELECT key, ${value} AS joined FROM (${both}) AS both_sides GROUP BY key) AS by_name`;
  return `CASE WHEN ${theirs} IS NULL THEN ${mine} WHEN ${mine} IS NULL THEN ${theirs} ELSE coalesce((${joined}), '{}') END`;
}
