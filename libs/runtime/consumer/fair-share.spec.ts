import { expect, test } from '@jest/globals';
import { fairShare, type ShareInput } from './fair-share.ts';

const all = ['g0', 'g1', 'g2', 'g3', 'g4'];
const lease = (name: string, owner: string, expired = false): ShareInput['leases'][number] => ({ name, owner, epoch: 1n, expired });

test.each<[string, Partial<ShareInput>, { count: number; take: readonly string[]; give: readonly string[] }]>([
  ['alone, it takes everything', {}, { count: 5, take: all, give: [] }],
  ['the first of two gets the odd one', { hosts: ['a', 'b'] }, { count: 3, take: ['g0', 'g1', 'g2'], give: [] }],
  ['the second of two gets the rest', { hosts: ['a', 'b'], self: 'b' }, { count: 2, take: ['g0', 'g1'], give: [] }],
  ['it takes what others do not hold', { hosts: ['a', 'b'], leases: [lease('g0', 'b'), lease('g2', 'b')] }, { count: 3, take: ['g1', 'g3', 'g4'], give: [] }],
  ['it takes what expired', { leases: [lease('g0', 'b', true)] }, { count: 5, take: all, give: [] }],
  ['it takes back what it held before it was restarted', { leases: [lease('g0', 'a')] }, { count: 5, take: all, give: [] }],
  ['it gives back what is too much', { hosts: ['a', 'b'], held: new Set(all) }, { count: 3, take: [], give: ['g3', 'g4'] }],
  ['more hosts than groups: some hold nothing', { hosts: ['1', '2', '3', '4', '5', '6'], self: '6' }, { count: 0, take: [], give: [] }],
])('%s', (_what, input, share) => {
  expect(fairShare({ all, self: 'a', hosts: ['a'], held: new Set(), leases: [], ...input })).toEqual(share);
});

test('the shares of all hosts add up, whatever their number', () => {
  for (let count = 1; count < 9; count++) {
    const hosts = Array.from({ length: count }, (_, at) => `host-${at}`);
    const shares = hosts.map((self) => fairShare({ all, self, hosts, held: new Set(), leases: [] }).count);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(all.length);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  }
});
