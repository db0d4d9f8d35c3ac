import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import type { FastifyReply } from 'fastify';
import { formatKeyPage, parseKeyPage } from '../http/key-page.ts';
import { jsonValue } from './row-json.codec.ts';

export interface RowPageQuery {
  readonly where: readonly ReadCondition[];
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

export interface RowPage {
  readonly rows: readonly ReadRow[];
  readonly nextCursor: string | null;
}

/** Rows in the order of their keys. @throws ProblemError 400 `token-invalid` */
export async function rowPage(reads: ReadStore, table: TableSpec, { where, limit, cursor }: RowPageQuery): Promise<RowPage> {
  const found = await reads.select(table, {
    where,
    orderBy: Object.keys(table.key).map((column) => ({ column })),
    limit: limit + 1,
    ...(cursor === undefined ? {} : { after: parseKeyPage(table, cursor, 'query.cursor') }),
  });
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > rows.length && last !== undefined ? formatKeyPage(table, last) : null };
}

/** Nest's own way would not know the integers. */
export function sendRows(reply: FastifyReply, page: RowPage): void {
  void reply.type('application/json; charset=utf-8').send(JSON.stringify(page, jsonValue));
}
