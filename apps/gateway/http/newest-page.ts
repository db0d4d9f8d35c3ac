import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import { badRequest } from './problem.errors.ts';

export interface NewestPageQuery {
  readonly where: readonly ReadCondition[];
  /** The time that rows are ordered by, newest first; rows without one are not shown. */
  readonly by: string;
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface NewestPage {
  readonly rows: readonly ReadRow[];
  readonly nextCursor: string | null;
}

/** What a read model selects at once. */
const selectMax = 10_000;

function cursorFrom(text: string | undefined): { readonly atMs: bigint | undefined; readonly skip: number } {
  if (text === undefined) return { atMs: undefined, skip: 0 };
  const match = /^(\d{1,16})\/(\d{1,4})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match !== null) return { atMs: BigInt(match[1] as string), skip: Number(match[2]) };
  const message = 'This is not a cursor of a page before.';
  throw badRequest('invalid-request', `query.cursor: ${message}`, [{ field: 'query.cursor', message }]);
}

/**
 * A page of rows, newest first. The cursor is the last row's time, and how many rows of that moment were shown: a row
 * that appears in between may be shown twice, and none is left out.
 * @throws ProblemError 400 for a cursor that is none.
 */
export async function newestPage(reads: ReadStore, table: TableSpec, { where, by, limit, cursor }: NewestPageQuery): Promise<NewestPage> {
  const { atMs, skip } = cursorFrom(cursor);
  const bounds: ReadCondition[] = [{ column: by, is: 'gte', value: 0n }, ...(atMs === undefined ? [] : [{ column: by, is: 'lte' as const, value: atMs }])];
  const orderBy = [by, ...Object.keys(table.key)].map((column) => ({ column, descending: true }));
  const wanted = Math.min(skip + limit + 1, selectMax);
  const found = (await reads.select(table, { where: [...where, ...bounds], orderBy, limit: wanted })).slice(skip);
  const rows = found.slice(0, limit);
  const last = rows.at(-1)?.[by];
  if (found.length <= limit || last === undefined) return { rows, nextCursor: null };
  const ofThatMoment = rows.filter((row) => row[by] === last).length + (last === atMs ? skip : 0);
  return { rows, nextCursor: Buffer.from(`${last}/${ofThatMoment}`).toString('base64url') };
}
