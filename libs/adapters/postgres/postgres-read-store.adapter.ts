import { OperatingError, type ColumnType, type ColumnValue, type TableSpec } from '#kernel';
import { ReadStore, type Comparison, type ReadQuery, type ReadRow } from '#ports';
import { sqlState } from './database-errors.ts';
import type { Database, Statement } from './database.ts';

const limitMax = 10_000;
const undefinedTable = '42P01';
const operators: Readonly<Record<Comparison, string>> = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** Reads the views of the serving versions in the schema `read`. */
export class PostgresReadStore extends ReadStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    const columns: ReadonlyArray<readonly [string, ColumnType]> = [
      ...Object.entries(table.key),
      ...Object.entries(table.columns).map(([name, { type }]) => [name, type] as const),
    ];
    const statement = selectSql(
      table,
      columns.map(([name]) => name),
      query,
    );
    const { rows } = await this.#database.read(statement).catch((error: unknown) => {
      if (sqlState(error) !== undefinedTable) throw error;
      throw new OperatingError(`No projection serves the table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false, cause: error });
    });
    return rows.map((row) => {
      const values: Record<string, ColumnValue> = {};
      columns.forEach(([name, type], at) => (values[name] = valueOf(type, row[at] ?? null)));
      return values;
    });
  }
}

/** Column names come from the spec, so nothing that a caller made up gets into the text. */
function selectSql(table: TableSpec, columns: readonly string[], { where = [], orderBy = [], limit }: ReadQuery): Statement {
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    throw new OperatingError(`The limit must be 1 to ${limitMax}, not ${limit}.`, { code: 'LIMIT_INVALID', retryable: false });
  }
  const known = new Set(columns);
  for (const { column } of [...where, ...orderBy]) {
    if (!known.has(column)) throw new OperatingError(`The table ${table.name} has no column ${column}.`, { code: 'COLUMN_UNKNOWN', retryable: false });
  }
  const conditions = where.map(({ column, is }, at) => `"${column}" ${operators[is]} $${at + 1}`);
  const order = orderBy.map(({ column, descending }) => `"${column}"${descending === true ? ' DESC' : ''}`);
  const text = [
    `SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM read."${table.name}"`,
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`,
    `LIMIT ${limit}`,
  ];
  return { text: text.join(' '), values: where.map(({ value }) => String(value)) };
}

function valueOf(type: ColumnType, text: string | null): ColumnValue {
  if (text === null) return null;
  switch (type) {
    case 'text':
      return text;
    case 'integer':
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
