import { describe, expect, test } from '@jest/globals';
import type { RowChange } from '#kernel';
import { operatingError } from '../subject.ts';
import { countGroup, home, keyOf, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

const fenced = operatingError('CHECKPOINT_FENCED');
const count = 300;
const next = { ...home, partition: home.partition + 1 };

/** Enough rows for a store that writes many new rows in another way than it joins few old ones. */
function many(driver: ProjectionDriver, prefix: string, most: number): RowChange[] {
  return Array.from({ length: count }, (_, at) => driver.change(keyOf(`${prefix}${String(at).padStart(4, '0')}`), { most: most + at }));
}

export function manyRowsCases(subject: () => ProjectionSubject): void {
  describe('batches of many rows', () => {
    test('keep every kind of value, and leave the rest null', async () => {
      const driver = await ProjectionDriver.open(subject());
      const status = { status: 'a\tb\n\\N "ä😀"\r', detail: { say: 'x\n\\"', list: [null, 1] } };
      const group = countGroup({ count: -9223372036854775808n, ratio: 1e-300, on_air: false, at_ms: 1_790_000_000_123 });
      const set = { ...status, ...group, created_by: '\\.', born_ms: 0, ever: true, least: -0.5, last_sequence: 9223372036854775807n, most: 2 ** 53 - 1 };
      const full = driver.change(keyOf('a\\', -1, 5n), set, { status: 1n, count: 2n });
      await driver.write(full, ...many(driver, 'b', 0));
      const rows = await driver.rows();
      expect(rows).toHaveLength(count + 1);
      expect(rows[0]).toEqual({ ...full.key, first_ms: null, name_max: null, always: null, ...set });
      expect(rows[1]).toMatchObject({ id: 'b0000', most: 0, status: null, count: null });
    });

    test('join rows that are there already, wherever they stand in the batch', async () => {
      const driver = await ProjectionDriver.open(subject());
      await driver.write(...many(driver, 'a', 1000));
      await driver.write(...many(driver, 'b', 0).slice(0, -1), ...many(driver, 'a', 999).slice(-1));
      await driver.write(...many(driver, 'b', 5));
      const most = new Map((await driver.rows()).map((row) => [row['id'], row['most']]));
      expect(most.size).toBe(2 * count);
      expect([most.get('a0000'), most.get('a0299'), most.get('b0000'), most.get('b0299')]).toEqual([1000, 1299, 5, 304]);
    });

    test('of two owners who bring the same new rows at once, both are joined', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      const { projection } = driver;
      await projections.claim(projection, next, 1n);
      await Promise.all([home, next].map((at, n) => projections.commit({ projection, at, from: 0n, to: 1n, epoch: 1n, changes: many(driver, 'a', n * 7) })));
      expect((await driver.rows()).map((row) => row['most'])).toEqual(Array.from({ length: count }, (_, at) => 7 + at));
      expect(await projections.claim(projection, next, 1n)).toBe(1n);
    });

    test('are not written when the checkpoint has moved on', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      const stale = { projection: driver.projection, at: home, from: 7n, to: 9n, epoch: 1n, changes: many(driver, 'a', 0) };
      await expect(projections.commit(stale)).rejects.toEqual(fenced);
      expect(await driver.rows()).toEqual([]);
      await driver.write(...many(driver, 'a', 0));
      expect(await driver.rows()).toHaveLength(count);
    });
  });
}
