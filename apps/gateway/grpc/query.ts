import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import { create, type DescMessage, type DescMethodUnary, type Message } from '@bufbuild/protobuf';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { formatKeyPage, parseKeyPage } from '../http/key-page.ts';
import { notFound } from '../http/problem.errors.ts';
import type { RowView } from '../review/shown-rows.ts';
import { confinement, readTables, tableFor, tablesFor } from '../watch/read-models.ts';
import { ListTablesResponseSchema, QueryService, type ListStreamsRequest } from './generated/streams/v1/query_service_pb.ts';
import type { GrpcCalls } from './grpc-calls.ts';
import { conditionsOf, fieldOfTable, invalid, rowMessage } from './row.codec.ts';

const pageSizeMax = 1_000;
const pageSizeDefault = 100;
const pageBytesMax = 2_000_000;
const scopes = ['view', 'operate'] as const;

/** The first rows, as many as a message should hold. */
function fitting(rows: readonly ReadRow[]): readonly ReadRow[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += weightOf(row)) > pageBytesMax);
  return end < 0 ? rows : rows.slice(0, Math.max(1, end));
}

function weightOf(row: ReadRow): number {
  return JSON.stringify(Object.values(row), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length;
}

/** The method that answers one row of the message, or many. */
function methodFor(message: DescMessage, answers: 'list' | 'message'): DescMethodUnary {
  const method = QueryService.methods.find(({ output }) => output.fields.some((field) => field.fieldKind === answers && field.message === message));
  if (method?.methodKind !== 'unary') throw new Error(`the contract has no method for ${message.typeName}`);
  return method as DescMethodUnary;
}

/** What the requests of all `List…` methods have alike. */
type ListRequest = Omit<ListStreamsRequest, '$typeName' | 'where'> & Message & Moment & { readonly where?: Message };

/** … and those of all methods that answer rows. */
interface Moment {
  readonly asOf?: string;
}

/** The field of an answer that holds rows. */
function rowsField({ output }: DescMethodUnary, message: DescMessage): string {
  return output.fields.find((field) => field.message === message)?.localName ?? '';
}

function listHandler({ calls, readsOf, shown }: QueryDeps, { name }: TableSpec, message: DescMessage) {
  const method = methodFor(message, 'list');
  return [
    method.localName,
    calls.unary(method, scopes, async (request, { principal }) => {
      const { table } = tableFor(principal, name);
      const { where, pageSize, pageToken, asOf } = request as ListRequest;
      const limit = Math.min(pageSize === 0 ? pageSizeDefault : pageSize, pageSizeMax);
      const query = {
        where: [...(await shown.conditions(table, where === undefined ? [] : conditionsOf(message, where, 'where'), 'where.')), ...confinement(principal)],
        orderBy: Object.keys(table.key).map((column) => ({ column })),
        limit: limit + 1,
        ...(pageToken === '' ? {} : { after: parseKeyPage(table, pageToken, 'page_token') }),
      };
      const rows = await readsOf(asOf, (reads) => reads.select(table, query));
      const page = fitting(rows.slice(0, limit));
      const rowsShown = await shown.rows(table, page);
      const nextPageToken = rows.length > page.length ? formatKeyPage(table, page.at(-1) as ReadRow) : '';
      return create(method.output, { [rowsField(method, message)]: rowsShown.map((row) => rowMessage(message, row)), nextPageToken } as never);
    }),
  ] as const;
}

function getHandler({ calls, readsOf, shown }: QueryDeps, { name }: TableSpec, message: DescMessage) {
  const method = methodFor(message, 'message');
  return [
    method.localName,
    calls.unary(method, scopes, async (request, { principal }) => {
      const { table } = tableFor(principal, name);
      const conditions = withOrigin(table, conditionsOf(method.input, request, ''));
      const missing = Object.keys(table.key).filter((column) => !conditions.some((one) => one.column === column));
      if (missing.length > 0) throw invalid(missing.map((field) => ({ field, message: 'This field of the key is missing.' })));
      const where = [...(await shown.conditions(table, conditions)), ...confinement(principal)];
      const found = await readsOf((request as Message & Moment).asOf, (reads) => reads.select(table, { where, limit: 1 }));
      const [row] = await shown.rows(table, found);
      if (row === undefined) throw notFound('unknown-row', `There is no such row in ${name}.`);
      return create(method.output, { [rowsField(method, message)]: rowMessage(message, row) } as never);
    }),
  ] as const;
}

/** Who names no region means this one. */
function withOrigin({ originKey }: TableSpec, conditions: readonly ReadCondition[]): readonly ReadCondition[] {
  if (originKey === undefined || conditions.some(({ column }) => column === originKey)) return conditions;
  return [...conditions, { column: originKey, is: 'eq', value: '' }];
}

type RowRead = (reads: ReadStore) => Promise<readonly ReadRow[]>;

export interface QueryDeps {
  readonly calls: GrpcCalls;
  readonly shown: RowView;
  /** Lets `read` see the rows of now, or of a moment. */
  readonly readsOf: (asOf: string | undefined, read: RowRead) => Promise<readonly ReadRow[]>;
}

/** `QueryService`: pages and rows of every read model, each as a message of its own. */
export function queryHandlers(deps: QueryDeps): UntypedServiceImplementation {
  const listTables = deps.calls.unary(QueryService.method.listTables, scopes, (_request, { principal }) =>
    create(ListTablesResponseSchema, {
      tables: tablesFor(principal).map(({ projection, table }) => ({ name: table.name, projection: projection.name, version: projection.version })),
    }),
  );
  const ofTables = readTables.flatMap(({ table }) => {
    const { message } = fieldOfTable(table);
    return [listHandler(deps, table, message), getHandler(deps, table, message)];
  });
  return { listTables, ...Object.fromEntries(ofTables) };
}
