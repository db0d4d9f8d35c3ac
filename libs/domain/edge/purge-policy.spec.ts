import { purgePolicySet } from '#events';
import { describe, expect, test } from '@jest/globals';
import { purgePolicyDecider, type SetPurgePolicy } from './purge-policy.decider.ts';

const { decide, evolve, initialState } = purgePolicyDecider;
const set = (policy: SetPurgePolicy['policy']): SetPurgePolicy => ({ type: 'SetPurgePolicy', owner: 'acme', policy, reason: 'why' });

describe('what edges do in doubt', () => {
  test('is said once: the same again is no event', () => {
    const refuse = purgePolicySet.draft({ owner: 'acme', policy: 'refuse', reason: 'why' });
    expect(decide(set('refuse'), initialState)).toEqual({ refused: false, events: [refuse] });
    const state = evolve(initialState, refuse);
    expect(state).toMatchObject({ owner: 'acme', policy: 'refuse' });
    expect(decide(set('refuse'), state)).toMatchObject({ events: [] });
    expect(decide(set('serve'), state)).toMatchObject({ events: [{ data: { policy: 'serve' } }] });
  });

  test('goes back to what each edge is set to', () => {
    expect(decide(set(null), initialState)).toMatchObject({ events: [] });
    const state = evolve(initialState, purgePolicySet.draft({ owner: 'acme', policy: 'serve', reason: '' }));
    expect(decide(set(null), state)).toMatchObject({ events: [{ data: { policy: null } }] });
  });
});
