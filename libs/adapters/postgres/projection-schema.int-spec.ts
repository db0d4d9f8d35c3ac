import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TableSpec } from '#kernel';
import { openPostgres, projectionOf, type PostgresSubject } from './postgres-subject.fixture.ts';
import { PostgresProjectionBuilds } from './builds/postgres-projection-builds.adapter.ts';
import { PostgresProjectionStore } from './postgres-projection-store.adapter.ts';
import { PostgresReadStore } from './postgres-read-store.adapter.ts';

let subject: PostgresSubject;
let store: PostgresProjectionStore;
let reader: PostgresReadStore;
let builds: PostgresProjectionBuilds;

beforeAll(async () => {
  subject = await openPostgres();
  store = new PostgresProjectionStore(subject.database);
  reader = new PostgresReadStore(subject.database);
  builds = new PostgresProjectionBuilds(subject.database);
});
afterAll(() => subject.dispose());

const at = { topic: 'stream', partition: 0 };

function tableOf(name: string, ...columns: string[]): TableSpec {
  return { name, key: { id: 'text' }, columns: Object.fromEntries(columns.map((column) => [column, { type: 'integer', join: 'max' } as const])) };
}

describe('versions of a projection', () => {
  test('the one that serves goes on while another is not built, and until that takes its place', async () => {
    const [before, after] = [tableOf('menu', 'price'), tableOf('menu', 'price', 'stars')];
    const [old, young] = [projectionOf('menus', 1, before, tableOf('dropped', 'x')), projectionOf('menus', 2, after)];
    const commit = { at, from: 0n, to: 1n, epoch: 1n };
    expect(await store.ensure(old)).toBe(true);
    await store.commit({ ...commit, projection: old, changes: [{ table: 'menu', key: { id: 'old' }, set: { price: 1 } }] });
    expect(await reader.select(before, { limit: 9 })).toEqual([{ id: 'old', price: 1 }]);
    expect(await store.ensure(young)).toBe(false);
    expect(await reader.select(before, { limit: 9 })).toEqual([{ id: 'old', price: 1 }]);
    await expect(reader.select(after, { limit: 9 })).rejects.toMatchObject({ code: 'READ_MODEL_BUILDING', retryable: true });
    const claim = { id: 'rp-menus', projection: young, epoch: 1n };
    await builds.create({ ...claim, whole: true, starts: [{ ...at, first: 0n }] });
    await builds.finish(claim);
    await builds.promote({ ...claim, behindMax: 1, fold: async () => [] });
    expect(await store.ensure(young)).toBe(true);
    await store.commit({ ...commit, from: 1n, to: 2n, projection: young, changes: [{ table: 'menu', key: { id: 'young' }, set: { stars: 5 } }] });
    expect(await store.ensure(old)).toBe(true);
    expect(await reader.select(after, { limit: 9 })).toEqual([{ id: 'young', price: null, stars: 5 }]);
    await expect(reader.select(tableOf('dropped', 'x'), { limit: 9 })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
    // A projector of the release before goes on building its own tables.
    await store.commit({ ...commit, projection: old, from: 1n, to: 2n, changes: [{ table: 'menu', key: { id: 'old' }, set: { price: 2 } }] });
  });

  test('may be ensured by many at once', async () => {
    const projection = projectionOf('crowd', 1, tableOf('crowded', 'n'));
    await Promise.all(Array.from({ length: 6 }, () => store.ensure(projection)));
    expect(await reader.select(tableOf('crowded', 'n'), { limit: 9 })).toEqual([]);
  });

  test('keep their tables: a change without a new version is refused', async () => {
    await store.ensure(projectionOf('fixed', 1, tableOf('fixed', 'n')));
    await expect(store.ensure(projectionOf('fixed', 1, tableOf('fixed', 'n', 'm')))).rejects.toMatchObject({ code: 'PROJECTION_CHANGED' });
  });

  test('two projections cannot serve one table', async () => {
    await store.ensure(projectionOf('first', 1, tableOf('shared', 'n')));
    await expect(store.ensure(projectionOf('second', 1, tableOf('shared', 'n')))).rejects.toMatchObject({ code: 'TABLE_TAKEN' });
  });
});

test('two partitions that write the same rows in opposite orders do not lock each other out', async () => {
  const [left, right] = [tableOf('left', 'n', 'm'), tableOf('right', 'n')];
  const projection = projectionOf('crossing', 1, left, right);
  await store.ensure(projection);
  const ids = Array.from({ length: 200 }, (_, n) => `r${n}`);
  const write = async (partition: number, order: readonly string[]) => {
    for (let from = 0n; from < 20n; from++) {
      const changes = order.flatMap((id, n) => [
        { table: n % 2 === partition ? 'left' : 'right', key: { id }, set: { n: Number(from) } },
        { table: n % 2 === partition ? 'right' : 'left', key: { id }, set: n % 3 === 0 ? {} : { n: Number(from) } },
      ]);
      await store.commit({ projection, at: { ...at, partition }, from, to: from + 1n, epoch: 1n, changes });
    }
  };
  await Promise.all([write(0, ids), write(1, [...ids].reverse()), write(2, [...ids.slice(100), ...ids.slice(0, 100)])]);
  expect((await reader.select(left, { limit: 1000 })).map(({ n }) => n)).toEqual(Array.from({ length: 200 }, () => 19));
});

test('a value that PostgreSQL cannot hold is refused, and nothing is written', async () => {
  const table: TableSpec = {
    name: 'picky',
    key: { id: 'text' },
    columns: { t: { type: 'text', join: 'once' }, j: { type: 'json', join: 'once' }, n: { type: 'bigint', join: 'max' } },
  };
  const projection = projectionOf('pickies', 1, table);
  await store.ensure(projection);
  for (const set of [{ t: 'a\u0000b' }, { j: { a: '\u0000' } }, { n: 2n ** 63n }]) {
    const changes = [
      { table: 'picky', key: { id: 'good' }, set: { t: 'x' } },
      { table: 'picky', key: { id: 'bad' }, set },
    ];
    await expect(store.commit({ projection, at, from: 0n, to: 1n, epoch: 1n, changes })).rejects.toMatchObject({
      code: 'DATABASE_VALUE_INVALID',
      retryable: false,
    });
  }
  expect(await reader.select(table, { limit: 9 })).toEqual([]);
  expect(await store.claim(projection, at, 1n)).toBe(0n);
});
