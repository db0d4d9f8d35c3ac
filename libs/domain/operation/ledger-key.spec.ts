import { ledgerKeyRotated, replayRequested } from '#events';
import { describe, expect, test } from '@jest/globals';
import { ledgerKeyDecider, type LedgerKeyState } from './ledger-key.decider.ts';
import { operationAggregate } from './operation-aggregate.ts';

const rotate = (state: LedgerKeyState) => ledgerKeyDecider.decide({ type: 'RotateLedgerKey', reason: 'once a year' }, state);

describe('the key of the audit ledger', () => {
  test('is replaced by the next, and by the one after', () => {
    const first = rotate(ledgerKeyDecider.initialState);
    const event = ledgerKeyRotated.draft({ number: 2, reason: 'once a year' });
    expect(first).toMatchObject({ events: [event] });
    expect(rotate(ledgerKeyDecider.evolve(ledgerKeyDecider.initialState, event))).toMatchObject({ events: [{ data: { number: 3 } }] });
  });

  test('is not replaced for ever', () => {
    expect(rotate({ number: 64 })).toMatchObject({ code: 'too-many-keys' });
  });

  test('is folded beside the replays of its context', () => {
    const { initialState, evolve } = operationAggregate.decider;
    expect(evolve(initialState, ledgerKeyRotated.draft({ number: 2, reason: 'x' }))).toEqual({ number: 2 });
    const [sample] = replayRequested.samples;
    expect(evolve(initialState, replayRequested.draft(sample as never))).toMatchObject({ status: 'requested' });
  });
});
