import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { originOf, type ReadTable, type Row } from '../../apps/console/src/model/rows.ts';
import { memoryEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { history } from './history.ts';
import { recordAll } from './world.ts';

/** What the console shows of a row and its events comes from here: a new table that it does not know is found. */
describe('the events of a row', () => {
  let world: World;
  let gateway: RunningGateway;
  let authorization: string;
  let tables: readonly ReadTable[];

  beforeAll(async () => {
    world = await World.open(memoryEngines());
    gateway = await startGateway(world.engines, world.consolePath);
    ({ authorization } = await world.key(['admin']));
    await recordAll(world.engines, history({ seed: 8, streams: 6, segments: 2 }));
    await world.settle();
    tables = (await get<{ items: readonly ReadTable[] }>('/api/v1/read-models')).items;
  });

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(gateway.url + path, { headers: { authorization } });
    expect([path, answer.status]).toEqual([path, 200]);
    return (await answer.json()) as T;
  }

  async function found(table: string, row: Row): Promise<number> {
    const origin = originOf(table, row);
    if (origin === undefined) return 0;
    if (origin.event !== undefined) return (await get<{ event: object }>(`/api/v1/events/${origin.event}`)).event === undefined ? 0 : 1;
    for (let cursor = ''; ;) {
      const page = await get<{ items: readonly object[]; nextCursor: string | null }>(`/api/v1/events/search?${new URLSearchParams(origin.search)}${cursor}`);
      if (page.items.length > 0 || page.nextCursor === null) return page.items.length;
      cursor = `&cursor=${page.nextCursor}`;
    }
  }

  test('are known for every table there is', () => {
    expect(tables.length).toBeGreaterThan(20);
    expect(tables.filter(({ table }) => originOf(table, { first_at_ms: 0, last_at_ms: 0 }) === undefined)).toEqual([]);
  });

  test('are found for rows of every table that a whole history fills', async () => {
    const empty: string[] = [];
    for (const { table } of tables) {
      const { rows } = await get<{ rows: readonly Row[] }>(`/api/v1/read-models/${table}/rows?limit=2`);
      if (rows.length === 0) empty.push(table);
      for (const row of rows) expect([table, (await found(table, row)) > 0]).toEqual([table, true]);
    }
    // The history has none of these: it holds no secrets of subjects, and is of one tenant.
    expect(empty).toEqual(['tenant', 'refusal', 'subject_action']);
  });
});
