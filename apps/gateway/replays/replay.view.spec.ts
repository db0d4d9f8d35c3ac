import { keysProjection, type Principal } from '#domain/access';
import type { ModelDifference, RowDifference } from '#ports';
import { describe, expect, test } from '@jest/globals';
import { differenceOf } from './replay.view.ts';

const principal = (tenant: string, ...scopes: Principal['scopes']): Principal => ({ kind: 'key', id: 'k-1', actor: 'key:k-1', tenant, scopes, expiresAtMs: 0 });

const sample = (id: string, tenants?: readonly string[]): RowDifference => ({
  kind: 'added',
  key: { id },
  columns: { name: { serving: null, rebuilt: id } },
  ...(tenants === undefined ? {} : { tenants }),
});

function differing(table: string, ...samples: readonly RowDifference[]): ModelDifference {
  const counts = { serving: 0, rebuilt: 3, added: 3, removed: 0, changed: 0, changedColumns: {}, onlyServing: [], onlyRebuilt: [] };
  const tables = [{ table, ...counts, servingDigest: 'a', rebuiltDigest: 'b', samples }];
  return { equal: false, servingVersion: 1, rebuiltVersion: 2, comparedAtMs: 0, tables, tablesOnlyServing: [], tablesOnlyRebuilt: [] };
}

const seen = (projection: string, difference: ModelDifference, by: Principal): unknown => {
  const { tables } = differenceOf(projection, difference, by) as { tables: ReadonlyArray<{ samples: readonly RowDifference[]; withheld: number }> };
  return tables.map(({ samples, withheld }) => [samples.map(({ key }) => key['id']), withheld]);
};

describe('the rows of a difference', () => {
  const streams = differing('stream', sample('own', ['default']), sample('moved', ['default', 'acme']), sample('theirs', ['acme']), sample('of nobody'));

  test('are those of tenants that the key sees, and all for one that sees every tenant', () => {
    expect(seen('streams', streams, principal('default', 'operate'))).toEqual([[['own'], 3]]);
    for (const by of [principal('*', 'operate'), principal('default', 'admin')])
      expect(seen('streams', streams, by)).toEqual([[['own', 'moved', 'theirs', 'of nobody'], 0]]);
  });

  test('of a table that does not say whose they are, or that is for admins, are for those alone who may read it', () => {
    expect(seen('streams', differing('segment', sample('a')), principal('default', 'operate'))).toEqual([[[], 1]]);
    const keys = differing(keysProjection.tables[0]?.name ?? '', sample('a', ['default']));
    expect(seen(keysProjection.name, keys, principal('*', 'operate'))).toEqual([[[], 1]]);
    expect(seen(keysProjection.name, keys, principal('*', 'admin'))).toEqual([[['a'], 0]]);
  });

  test('have nothing in them that is sealed, and are told apart by what was', () => {
    const sealed = (body: string): string => `sealed:v1:${'k'.repeat(22)}:*:${body.repeat(40)}`;
    const row = (body: string): RowDifference => ({
      kind: 'changed',
      key: { id: sealed(body) },
      columns: { address: { serving: null, rebuilt: sealed(body) }, data: { serving: { at: [`from ${sealed(body)}.`] }, rebuilt: 3 } },
    });
    const { tables } = differenceOf('streams', differing('stream', row('a'), row('b')), principal('*', 'operate')) as {
      tables: [{ samples: [RowDifference, RowDifference] }];
    };
    const [first, second] = tables[0].samples;
    expect(first.columns).toEqual({ address: { serving: null, rebuilt: '***' }, data: { serving: { at: ['from ***.'] }, rebuilt: 3 } });
    expect([first.key['id'], second.key['id']]).toEqual([expect.stringMatching(/^\*{3}[0-9a-f]{12}$/), expect.stringMatching(/^\*{3}[0-9a-f]{12}$/)]);
    expect(first.key['id']).not.toBe(second.key['id']);
  });

  test('do not say whose they are once more', () => {
    expect(JSON.stringify(differenceOf('streams', streams, principal('*', 'operate')))).not.toContain('tenants');
  });
});
