import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadStore, RowKey } from '#ports';
import { create } from '@bufbuild/protobuf';
import { badRequest, notFound, type FieldProblem } from '../http/problem.errors.ts';
import {
  ColumnType,
  GetRowResponseSchema,
  ListRowsResponseSchema,
  ListTablesResponseSchema,
  QueryService,
  type Value,
} from './generated/streams/v1/query_service_pb.ts';
import type { GrpcCalls } from './grpc-calls.ts';
import { confinement, tableFor, tablesFor } from '../watch/read-models.ts';
import { comparable, rowMessage } from './row.codec.ts';

const pageSizeMax = 1_000;
const pageSizeDefault = 100;
const pageBytesMax = 2_000_000;
const scopes = ['view', 'operate'] as const;

const columnTypes = {
  text: ColumnType.TEXT,
  integer: ColumnType.INTEGER,
  bigint: ColumnType.INTEGER,
  double: ColumnType.DOUBLE,
  boolean: ColumnType.BOOLEAN,
  json: ColumnType.JSON,
  timestamp: ColumnType.TIMESTAMP,
} as const;

/** @throws ProblemError 400 naming the columns that are wrong */
export function conditionsOf(table: TableSpec, where: Readonly<Record<string, Value>>): ReadCondition[] {
  const errors: FieldProblem[] = [];
  const conditions: ReadCondition[] = [];
  for (const [column, given] of Object.entries(where)) {
    const value = comparable(table, column, given, `where.${column.slice(0, 64)}`);
    if (typeof value === 'object') errors.push(value);
    else conditions.push({ column, is: 'eq', value });
  }
  if (errors.length > 0) throw badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
  return conditions;
}

/** A page goes on behind a key: it is in the token, in the order of the key's columns. It shows nothing that the page did not. */
function formatPage(table: TableSpec, row: ReadRow): string {
  return Buffer.from(JSON.stringify([table.name, ...Object.keys(table.key).map((name) => String(row[name]))])).toString('base64url');
}

function parsePage(table: TableSpec, token: string): RowKey {
  const broken = badRequest('token-invalid', 'page_token: This is not a token of this table.', [
    { field: 'page_token', message: 'This is not a token of this table.' },
  ]);
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw broken;
  }
  const names = Object.entries(table.key);
  if (!Array.isArray(parts) || parts.length !== names.length + 1 || parts[0] !== table.name) throw broken;
  return Object.fromEntries(
    names.map(([name, type], at) => {
      const text: unknown = (parts as unknown[])[at + 1];
      if (typeof text !== 'string' || text.includes('\0') || (type !== 'text' && !/^-?\d{1,18}$/.test(text))) throw broken;
      return [name, type === 'text' ? text : type === 'bigint' ? BigInt(text) : Number(text)];
    }),
  );
}

/** The first rows, as many as a message should hold. */
function fitting(rows: readonly ReadRow[]): readonly ReadRow[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += weightOf(row)) > pageBytesMax);
  return end < 0 ? rows : rows.slice(0, Math.max(1, end));
}

function weightOf(row: ReadRow): number {
  return JSON.stringify(Object.values(row), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length;
}

/** `QueryService`: pages and rows of every read model. */
export function queryHandlers(calls: GrpcCalls, reads: ReadStore) {
  const { listTables, listRows, getRow } = QueryService.method;
  return {
    listTables: calls.unary(listTables, scopes, (_request, { principal }) =>
      create(ListTablesResponseSchema, {
        tables: tablesFor(principal).map(({ projection, table }) => ({
          name: table.name,
          projection: projection.name,
          version: projection.version,
          columns: [
            ...Object.entries(table.key).map(([name, type]) => ({ name, type: columnTypes[type], key: true })),
            ...Object.entries(table.columns).map(([name, { type }]) => ({ name, type: columnTypes[type], key: false })),
          ],
        })),
      }),
    ),
    listRows: calls.unary(listRows, scopes, async ({ table: name, where, pageSize, pageToken }, { principal }) => {
      const { table } = tableFor(principal, name);
      const limit = Math.min(pageSize === 0 ? pageSizeDefault : pageSize, pageSizeMax);
      const rows = await reads.select(table, {
        where: [...conditionsOf(table, where), ...confinement(principal)],
        orderBy: Object.keys(table.key).map((column) => ({ column })),
        limit: limit + 1,
        ...(pageToken === '' ? {} : { after: parsePage(table, pageToken) }),
      });
      const page = fitting(rows.slice(0, limit));
      const nextPageToken = rows.length > page.length ? formatPage(table, page.at(-1) as ReadRow) : '';
      return create(ListRowsResponseSchema, { rows: page.map((row) => rowMessage(table, row)), nextPageToken });
    }),
    getRow: calls.unary(getRow, scopes, async ({ table: name, key }, { principal }) => {
      const { table } = tableFor(principal, name);
      const conditions = conditionsOf(table, key);
      const missing = Object.keys(table.key).filter((column) => !conditions.some((one) => one.column === column));
      if (missing.length > 0) {
        const errors = missing.map((column) => ({ field: `key.${column}`, message: 'This column of the key is missing.' }));
        throw badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
      }
      const [row] = await reads.select(table, { where: [...conditions, ...confinement(principal)], limit: 1 });
      if (row === undefined) throw notFound('unknown-row', `There is no such row in ${table.name}.`);
      return create(GetRowResponseSchema, { row: rowMessage(table, row) });
    }),
  };
}
