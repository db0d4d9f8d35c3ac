import { ledgerBegunAnew } from '#events';
import { describe, expect, test } from '@jest/globals';
import { ledgerTreeDecider, ledgerTreeSubject } from './ledger-tree.decider.ts';
import { operationAggregate } from './operation-aggregate.ts';

const begin = (beginsAt: bigint, state = ledgerTreeDecider.initialState) =>
  ledgerTreeDecider.decide({ type: 'BeginLedgerAnew', topic: 'content', partition: 0, beginsAt, records: 1705, reason: 'an old backup' }, state);
const draft = ledgerBegunAnew.draft({ topic: 'content', partition: 0, beginsAt: '2469', records: 1705, reason: 'an old backup' });

describe('a tree of the audit ledger', () => {
  test('is begun anew where the log begins, at the same place as often as a database is restored, and nowhere before', () => {
    expect(begin(2469n)).toMatchObject({ events: [draft] });
    const state = ledgerTreeDecider.evolve(ledgerTreeDecider.initialState, draft);
    expect(begin(2469n, state)).toMatchObject({ events: [draft] });
    expect(begin(2468n, state)).toMatchObject({ code: 'ledger-begins-later' });
  });

  test('is folded beside the replays of its context, under its own subject', () => {
    const { initialState, evolve } = operationAggregate.decider;
    expect(evolve(initialState, draft)).toEqual({ beginsAt: '2469' });
    expect(ledgerBegunAnew.subject(draft.data)).toBe(ledgerTreeSubject('content', 0));
  });
});
