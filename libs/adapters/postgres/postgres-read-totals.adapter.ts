import type { TableSpec } from '#kernel';
import { checkTotals, ReadTotals, type Total, type TotalsQuery } from '#ports';
import type { Database, Statement, TextRow } from './database.ts';
import { asTableUnknown, operators } from './read-errors.ts';

/** Adds up in the database, through the views of the serving versions. */
export class PostgresReadTotals extends ReadTotals {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async totals(table: TableSpec, query: TotalsQuery): Promise<readonly Total[]> {
    checkTotals(table, query);
    const { rows } = await this.#database.read(totalsSql(table, query)).catch(asTableUnknown(table));
    return rows.map((row) => totalOf(table, query, row));
  }
}

/** Column names come from the spec, so nothing that a caller made up gets into the text. */
function totalsSql(table: TableSpec, { greatest, groupBy, limit, sums, where = [] }: TotalsQuery): Statement {
  const values: unknown[] = [];
  const place = (value: unknown): string => `$${values.push(String(value))}`;
  const groups = groupBy.map(({ column, width }) => (width === undefined ? `"${column}"` : `"${column}" - "${column}" % ${place(width)}::bigint`));
  const added = sums.map((column) => `COALESCE(SUM("${column}"), 0)`);
  const conditions = where.map(({ column, is, value }) => `"${column}" ${operators[is]} ${place(value)}`);
  const numbers = groupBy.map((_one, at) => String(at + 1));
  const greatestFirst = greatest === undefined ? [] : [`${groupBy.length + sums.indexOf(greatest) + 1} DESC`];
  const order = [...greatestFirst, ...numbers];
  const text = [
    `SELECT ${[...groups, ...added].join(', ') || '1'} FROM read."${table.name}"`,
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    numbers.length === 0 ? 'HAVING COUNT(*) > 0' : `GROUP BY ${numbers.join(', ')}`,
    order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`,
    `LIMIT ${limit}`,
  ];
  return { text: text.join(' '), values };
}

function totalOf(table: TableSpec, { groupBy, sums }: TotalsQuery, row: TextRow): Total {
  const valueOf = (column: string, text: string | null): string | bigint | null => {
    const type = table.key[column] ?? table.columns[column]?.type;
    return text === null || type === 'text' ? text : BigInt(text);
  };
  return {
    group: Object.fromEntries(groupBy.map(({ column }, at) => [column, valueOf(column, row[at] ?? null)])),
    sums: Object.fromEntries(sums.map((column, at) => [column, BigInt(row[groupBy.length + at] ?? 0)])),
  };
}
