import { describe, expect, test } from '@jest/globals';
import type { Comparison, ReadCondition, ReadQuery, ReadRow, RowKey } from '../../read-store.port.ts';
import { operatingError } from '../subject.ts';
import { countGroup, home, keyOf, makeProjection, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

/** Five rows, `r0` to `r4`; the columns of `r4` are null. */
async function filled(subject: ProjectionSubject): Promise<ProjectionDriver> {
  const driver = await ProjectionDriver.open(subject);
  const rows = Array.from({ length: 4 }, (_, n) =>
    driver.change(
      keyOf(`r${n}`, n % 2, 10n ** BigInt(n)),
      {
        most: n,
        last_sequence: 10n ** BigInt(n + 14),
        least: n / 4,
        ever: n >= 2,
        first_ms: 1_790_000_000_000 + n,
        name_max: ['B', 'a', 'Z', '😀'][n] ?? null,
        ...countGroup({ small: 1 }),
      },
      { count: 1n },
    ),
  );
  await driver.write(...rows, driver.change(keyOf('r4'), {}));
  return driver;
}

const condition = (column: string, is: Comparison, value: ReadCondition['value']): ReadCondition => ({ column, is, value });

const queries: ReadonlyArray<readonly [string, Omit<ReadQuery, 'limit'>, readonly string[]]> = [
  ['equal text', { where: [condition('id', 'eq', 'r2')] }, ['r2']],
  ['equal integer', { where: [condition('part', 'eq', 1)] }, ['r1', 'r3']],
  ['equal bigint', { where: [condition('number', 'eq', 1000n)] }, ['r3']],
  ['equal boolean', { where: [condition('ever', 'eq', true)] }, ['r2', 'r3']],
  ['equal timestamp', { where: [condition('first_ms', 'eq', 1_790_000_000_001)] }, ['r1']],
  ['greater', { where: [condition('most', 'gt', 1)] }, ['r2', 'r3']],
  ['at least', { where: [condition('last_sequence', 'gte', 10n ** 16n)] }, ['r2', 'r3']],
  ['less, without nulls', { where: [condition('least', 'lt', 0.5)] }, ['r0', 'r1']],
  ['at most', { where: [condition('first_ms', 'lte', 1_790_000_000_001)] }, ['r0', 'r1']],
  ['all conditions', { where: [condition('most', 'gte', 1), condition('most', 'lte', 2), condition('part', 'eq', 0)] }, ['r2']],
  ['no such value', { where: [condition('id', 'eq', `'; DROP TABLE x; --`)] }, []],
  ['text greater by code point', { where: [condition('name_max', 'gt', 'Z')] }, ['r1', 'r3']],
];

const orders: ReadonlyArray<readonly [string, NonNullable<ReadQuery['orderBy']>, readonly string[]]> = [
  ['by text', [{ column: 'id' }], ['r0', 'r1', 'r2', 'r3', 'r4']],
  ['downwards', [{ column: 'id', descending: true }], ['r4', 'r3', 'r2', 'r1', 'r0']],
  ['nulls last', [{ column: 'most' }], ['r0', 'r1', 'r2', 'r3', 'r4']],
  ['nulls first when downwards', [{ column: 'most', descending: true }], ['r4', 'r3', 'r2', 'r1', 'r0']],
  ['text by code point', [{ column: 'name_max' }], ['r0', 'r2', 'r1', 'r3', 'r4']],
  ['by two columns', [{ column: 'part', descending: true }, { column: 'number' }], ['r1', 'r3', 'r4', 'r0', 'r2']],
  ['bigints by size', [{ column: 'last_sequence' }], ['r0', 'r1', 'r2', 'r3', 'r4']],
];

export function selectCases(subject: () => ProjectionSubject): void {
  describe('rows are read', () => {
    test.each(queries)('where: %s', async (_what, query, ids) => {
      const driver = await filled(subject());
      const rows = await subject().rows.select(driver.table, { ...query, limit: 100 });
      expect(rows.map(({ id }) => id).sort()).toEqual(ids);
    });

    test.each(orders)('order: %s', async (_what, orderBy, ids) => {
      const driver = await filled(subject());
      const rows = await subject().rows.select(driver.table, { orderBy, limit: 100 });
      expect(rows.map(({ id }) => id)).toEqual(ids);
    });

    test('up to the limit', async () => {
      const driver = await filled(subject());
      const { rows } = subject();
      expect((await rows.select(driver.table, { orderBy: [{ column: 'id' }], limit: 2 })).map(({ id }) => id)).toEqual(['r0', 'r1']);
      for (const limit of [0, -1, 10_001, 1.5, Number.NaN]) {
        await expect(rows.select(driver.table, { limit })).rejects.toEqual(operatingError('LIMIT_INVALID'));
      }
    });

    test('behind a key, in the order of keys: pages meet without gap or overlap', async () => {
      const driver = await filled(subject());
      const { rows } = subject();
      const orderBy = [{ column: 'id' }, { column: 'part' }, { column: 'number' }];
      const seen: unknown[] = [];
      for (let after: RowKey | undefined; ;) {
        const page = await rows.select(driver.table, { orderBy, limit: 2, ...(after === undefined ? {} : { after }) });
        if (page.length === 0) break;
        seen.push(...page.map(({ id }) => id));
        const last = page.at(-1) as ReadRow;
        after = { id: last['id'] as string, part: last['part'] as number, number: last['number'] as bigint };
      }
      expect(seen).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
      const behind = await rows.select(driver.table, { after: { id: 'r3', part: 1, number: 999n }, limit: 10, orderBy });
      expect(behind.map(({ id }) => id)).toEqual(['r3', 'r4']);
    });

    test('by their keys', async () => {
      const driver = await filled(subject());
      const keys = [keyOf('r1', 1, 10n), keyOf('r3', 1, 1000n), keyOf('r3', 0, 1000n), keyOf('no')];
      const found = await subject().rows.select(driver.table, { keys, limit: 10, orderBy: [{ column: 'id' }] });
      expect(found.map(({ id }) => id)).toEqual(['r1', 'r3']);
      expect(await subject().rows.select(driver.table, { keys: [], limit: 10 })).toEqual([]);
    });

    test('together with the checkpoint that they stand at', async () => {
      const driver = await ProjectionDriver.open(subject());
      const { rows } = subject();
      const at = async (): Promise<unknown> => {
        const { rows: found, version, checkpoints } = await rows.snapshot(driver.projection.name, driver.table, { limit: 10 });
        return [found.length, version, checkpoints.filter(({ position }) => position > 0n)];
      };
      expect(await at()).toEqual([0, 1, []]);
      await driver.write(driver.change(keyOf('a'), {}));
      expect(await at()).toEqual([1, 1, [{ ...home, position: 1n }]]);
      await driver.write(driver.change(keyOf('b'), {}));
      expect(await at()).toEqual([2, 1, [{ ...home, position: 2n }]]);
      await expect(rows.snapshot('none', makeProjection().table, { limit: 1 })).rejects.toEqual(operatingError('TABLE_UNKNOWN'));
    });

    test('by columns of the table only', async () => {
      const driver = await filled(subject());
      const { rows } = subject();
      for (const column of ['colour', '', 'id"; --', 'constructor', 'status_stamp']) {
        await expect(rows.select(driver.table, { where: [condition(column, 'eq', 1)], limit: 1 })).rejects.toEqual(operatingError('COLUMN_UNKNOWN'));
        await expect(rows.select(driver.table, { orderBy: [{ column }], limit: 1 })).rejects.toEqual(operatingError('COLUMN_UNKNOWN'));
      }
    });

    test('from tables that a projection serves only', async () => {
      const { table } = makeProjection();
      await expect(subject().rows.select(table, { limit: 1 })).rejects.toEqual(operatingError('TABLE_UNKNOWN'));
    });
  });
}
