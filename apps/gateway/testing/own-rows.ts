import { expect } from '@jest/globals';
import type { Answer } from './http-client.ts';

/** Tables of the platform are not there for a tenant. */
const hidden = ['edge', 'tenant'];
const list = '/api/v1/read-models';

export async function expectOwnTables(get: (path: string, whose: 'acme' | 'platform') => Promise<Answer>): Promise<void> {
  const tables = async (whose: 'acme' | 'platform'): Promise<string[]> => (await get(list, whose)).json.items.map(({ table }) => table);
  expect(await tables('platform')).toEqual(expect.arrayContaining(['stream', 'webhook', ...hidden]));
  const own = await tables('acme');
  expect(own).toContain('stream');
  for (const table of hidden) expect(own).not.toContain(table);
}

/** Every table that a tenant may read holds nothing of others; of two streams only its own is there. */
export async function expectOwnRows(
  get: (path: string) => Promise<Answer>,
  expectNothingForeign: (answer: Answer) => void,
  [mine, theirs]: readonly [string, string],
): Promise<void> {
  for (const { table } of (await get(list)).json.items) {
    const answer = await get(`${list}/${table}/rows?limit=1000`);
    expect([table, answer.status]).toEqual([table, 200]);
    expectNothingForeign(answer);
  }
  const of = (id: string): Promise<Answer> => get(`${list}/stream/rows?where=stream_id:${id}`);
  expect((await of(mine)).json.rows).toHaveLength(1);
  expect((await of(theirs)).json).toEqual({ rows: [], nextCursor: null });
  for (const table of hidden) expect((await get(`${list}/${table}/rows`)).status).toBe(403);
}
