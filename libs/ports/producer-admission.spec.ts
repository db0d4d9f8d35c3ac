import { describe, expect, test } from '@jest/globals';
import { admitProducer, type ProducerState } from './producer-admission.ts';

const known: ProducerState = { epoch: 5n, first: 10n, next: 20n };
const from = (sequence: bigint, epoch = 5n) => ({ id: 'media:st-1', epoch, sequence });

describe('admission of producers', () => {
  test.each([
    ['a new producer starts where it likes', undefined, from(7n, 1n), 3, { repeated: 0, state: { epoch: 1n, first: 7n, next: 10n } }],
    ['what is due is new', known, from(20n), 2, { repeated: 0, state: { epoch: 5n, first: 10n, next: 22n } }],
    ['what was written is a repetition', known, from(12n), 4, { repeated: 4, state: known }],
    ['a repetition may go on', known, from(18n), 5, { repeated: 2, state: { epoch: 5n, first: 10n, next: 23n } }],
    ['a greater epoch starts anew', known, from(1n, 6n), 2, { repeated: 0, state: { epoch: 6n, first: 1n, next: 3n } }],
    ['nothing is nothing', known, from(20n), 0, { repeated: 0, state: known }],
  ] as const)('%s', (_what, state, producer, count, admission) => {
    expect(admitProducer(state, producer, count)).toEqual(admission);
  });

  test.each([
    ['an older epoch', from(20n, 4n), 'PRODUCER_FENCED'],
    ['a gap', from(21n), 'SEQUENCE_GAP'],
    ['a sequence before the first of the epoch', from(9n), 'SEQUENCE_GAP'],
  ])('refuses %s', (_what, producer, code) => {
    expect(() => admitProducer(known, producer, 1)).toThrow(expect.objectContaining({ code }));
  });
});
