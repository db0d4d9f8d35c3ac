import { expect, test } from '@jest/globals';
import type { StoredRecord } from '#events';
import { judge, type Acknowledged } from './verdict.ts';

const logOf = (...values: readonly string[]): StoredRecord[][] => [
  values.map((value, at) => ({ key: 'k', headers: {}, value, partition: 0, offset: BigInt(at), recordedAt: 1 })),
];
const promised = (epoch: number, first: number, count: number): Acknowledged => ({ writer: 'w', epoch, kind: 'fact', first, count });

test.each([
  ['everything', ['w/fact/1/0', 'w/fact/1/1', 'w/plain/1/4', 'w/fact/2/0'], [promised(1, 0, 2), promised(2, 0, 1)], {}],
  ['what nobody was promised', ['w/fact/1/0', 'w/fact/1/1'], [promised(1, 0, 1)], {}],
  ['not what was promised', ['w/fact/1/0'], [promised(1, 0, 2)], { lost: ['w/fact/1/1'] }],
  ['an event twice', ['w/plain/1/0', 'w/plain/1/1', 'w/plain/1/0'], [], { doubled: ['w/plain/1/0'], outOfOrder: ['w/plain/1/0'] }],
  ['a later event first', ['w/fact/1/1', 'w/fact/1/0'], [], { outOfOrder: ['w/fact/1/0'] }],
  ['an event of one who was replaced', ['w/fact/2/0', 'w/fact/1/0'], [], { outOfOrder: ['w/fact/1/0'] }],
  ['a hole', ['w/fact/1/0', 'w/fact/1/2'], [], { outOfOrder: ['w/1 misses 1'] }],
] as const)('a log that holds %s', (_what, values, acknowledged, wrong) => {
  const log = logOf(...values);
  const { lost, doubled, outOfOrder, misread } = judge(log, acknowledged, log);
  expect({ lost, doubled, outOfOrder, misread }).toEqual({ lost: [], doubled: [], outOfOrder: [], misread: [], ...wrong });
});

test('a reader that saw less, or something else', () => {
  const log = logOf('w/fact/1/0', 'w/fact/1/1');
  expect(judge(log, [], logOf('w/fact/1/0')).misread).toEqual(['partition 0']);
  expect(judge(log, [], logOf('w/fact/1/0', 'w/plain/1/1')).misread).toEqual(['partition 0']);
});
