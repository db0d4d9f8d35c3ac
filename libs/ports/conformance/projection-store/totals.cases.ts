import { describe, expect, test } from '@jest/globals';
import { operatingError } from '../subject.ts';
import { keyOf, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

async function filled(subject: ProjectionSubject): Promise<ProjectionDriver> {
  const driver = await ProjectionDriver.open(subject);
  const row = (at: number, set: object) => driver.change(keyOf(`r${at % 2}`, at, BigInt(at) * 7n), set as never);
  await driver.write(
    row(0, { last_sequence: 5n, most: 1, name_max: 'b' }),
    row(1, { last_sequence: 10n ** 17n, most: 2, name_max: 'a' }),
    row(2, { last_sequence: 7n, most: 3, name_max: '😀' }),
    row(3, { name_max: 'a' }),
  );
  return driver;
}

export function totalsCases(subject: () => ProjectionSubject): void {
  describe('rows are added up', () => {
    test('all of them, and in groups, in the order of the groups', async () => {
      const { table } = await filled(subject());
      const sums = ['last_sequence', 'most'];
      expect(await subject().totals.totals(table, { groupBy: [], sums, limit: 1 })).toEqual([
        { group: {}, sums: { last_sequence: 10n ** 17n + 12n, most: 6n } },
      ]);
      expect(await subject().totals.totals(table, { groupBy: [{ column: 'id' }], sums, limit: 10 })).toEqual([
        { group: { id: 'r0' }, sums: { last_sequence: 12n, most: 4n } },
        { group: { id: 'r1' }, sums: { last_sequence: 10n ** 17n, most: 2n } },
      ]);
    });

    test('by intervals of a number, and by text in the order of code points', async () => {
      const { table } = await filled(subject());
      const byInterval = await subject().totals.totals(table, { groupBy: [{ column: 'number', width: 10n }], sums: ['most'], limit: 10 });
      expect(byInterval).toEqual([
        { group: { number: 0n }, sums: { most: 3n } },
        { group: { number: 10n }, sums: { most: 3n } },
        { group: { number: 20n }, sums: { most: 0n } },
      ]);
      const byText = await subject().totals.totals(table, { groupBy: [{ column: 'name_max' }, { column: 'part' }], sums: [], limit: 10 });
      expect(byText.map(({ group }) => [group['name_max'], group['part']])).toEqual([['a', 1n], ['a', 3n], ['b', 0n], ['😀', 2n]]); // prettier-ignore
    });

    test('those that fit, the greatest first, up to the limit', async () => {
      const { table } = await filled(subject());
      const where = [{ column: 'most', is: 'gte', value: 1 }] as const;
      const found = await subject().totals.totals(table, {
        where,
        groupBy: [{ column: 'part' }],
        sums: ['most', 'last_sequence'],
        greatest: 'last_sequence',
        limit: 2,
      });
      expect(found.map(({ group }) => group['part'])).toEqual([1n, 2n]);
      const none = [{ column: 'id', is: 'eq', value: `'; DROP TABLE x; --` }] as const;
      for (const groupBy of [[], [{ column: 'id' }]])
        expect(await subject().totals.totals(table, { where: none, groupBy, sums: ['most'], limit: 5 })).toEqual([]);
    });

    test('not by what cannot be added or grouped', async () => {
      const { table } = await filled(subject());
      const refused = [
        { groupBy: [], sums: ['nowhere'] },
        { groupBy: [], sums: ['ratio'] },
        { groupBy: [], sums: ['name_max'] },
        { groupBy: [{ column: 'detail' }], sums: [] },
        { groupBy: [{ column: 'id', width: 5n }], sums: [] },
        { groupBy: [{ column: 'id' }], sums: ['most'], greatest: 'last_sequence' },
        { where: [{ column: 'nowhere', is: 'eq', value: 1 } as const], groupBy: [], sums: [] },
      ];
      for (const query of refused) await expect(subject().totals.totals(table, { ...query, limit: 1 })).rejects.toEqual(operatingError('COLUMN_UNKNOWN'));
      for (const limit of [0, 10_001, 1.5])
        await expect(subject().totals.totals(table, { groupBy: [], sums: [], limit })).rejects.toEqual(operatingError('LIMIT_INVALID'));
      const unknown = { ...table, name: 'not_there' };
      await expect(subject().totals.totals(unknown, { groupBy: [], sums: ['most'], limit: 1 })).rejects.toEqual(operatingError('TABLE_UNKNOWN'));
    });
  });
}
