import { describe, expect, test } from '@jest/globals';
import {
  edgeAdmitted,
  edgeDrained,
  edgeRegistered,
  edgeRemoved,
  edgeReported,
  edgeResumed,
  edgeScaleAdvised,
  noLoad,
  plainEdge,
  type DomainEvent,
  type DraftEvent,
} from '#events';
import { foldChanges, wholeStampGroups, type Projection } from '#kernel';
import fc from 'fast-check';
import { edgesProjection } from './edge.projection.ts';
import { isOurs, registryOf, type EdgeState, type RegistryRows } from './registry.core.ts';
import { standingDecider, type ChangeStanding, type StandingCommand, type StandingState } from './standing.decider.ts';
import { fleetProjection } from './standing.projection.ts';
import { zoneContextAggregate } from './zone-aggregates.ts';

const order = (type: ChangeStanding['type'], more: Partial<ChangeStanding> = {}): ChangeStanding => ({
  type,
  edgeId: 'e',
  reason: 'why',
  isKnown: true,
  ...more,
});
const admit = (keyId: string, boundTo?: string): StandingCommand => ({ type: 'AdmitEdge', edgeId: 'e', keyId, boundTo });

function after(...commands: readonly StandingCommand[]): StandingState {
  let state = standingDecider.initialState;
  for (const command of commands) {
    const decision = standingDecider.decide(command, state);
    if (decision.refused) throw new Error(decision.message);
    for (const event of decision.events) state = standingDecider.evolve(state, event);
  }
  return state;
}

describe('what operators decide about an edge', () => {
  const said = { edgeId: 'e', reason: 'why' };
  test.each<[string, readonly StandingCommand[], StandingCommand, readonly DraftEvent[] | string]>([
    ['it is drained', [], order('DrainEdge'), [edgeDrained.draft(said)]],
    ['drained twice is drained once', [order('DrainEdge')], order('DrainEdge'), []],
    ['it comes back', [order('DrainEdge')], order('ResumeEdge'), [edgeResumed.draft(said)]],
    ['one that serves need not come back', [], order('ResumeEdge'), []],
    ['it is removed', [order('DrainEdge')], order('RemoveEdge'), [edgeRemoved.draft(said)]],
    ['what was removed comes back by an operator alone', [order('RemoveEdge')], order('ResumeEdge'), [edgeResumed.draft(said)]],
    ['what was removed is not drained', [order('RemoveEdge')], order('DrainEdge'), 'edge-removed'],
    ['a reason is needed', [], order('DrainEdge', { reason: ' ' }), 'reason-missing'],
    ['one letter is none', [], order('RemoveEdge', { reason: 'x ' }), 'reason-missing'],
    ['nobody knows it', [], order('RemoveEdge', { isKnown: false }), 'unknown-edge'],
    ['its standing is known though its rows are not there yet', [admit('k-1')], order('DrainEdge', { isKnown: false }), [edgeDrained.draft(said)]],
    ['it shows a key', [], admit('k-1'), [edgeAdmitted.draft({ edgeId: 'e', keyId: 'k-1' })]],
    ['it shows it again', [admit('k-1')], admit('k-1', 'k-1'), []],
    ['another key while the first works', [admit('k-1')], admit('k-2', 'k-1'), 'another-key'],
    ['another key when the first is none any more', [admit('k-1')], admit('k-2'), [edgeAdmitted.draft({ edgeId: 'e', keyId: 'k-2' })]],
    ['a key does not undo a removal', [admit('k-1'), order('RemoveEdge')], admit('k-1', 'k-1'), 'edge-removed'],
  ])('%s', (_what, before, command, outcome) => {
    const decision = standingDecider.decide(command, after(...before));
    expect(decision.refused ? decision.code : decision.events).toEqual(outcome);
  });

  test('a head of this context is folded by whose events they are', () => {
    const { decider } = zoneContextAggregate;
    const drafts = [edgeAdmitted.draft({ edgeId: 'e', keyId: 'k-1' }), edgeDrained.draft(said)];
    expect(drafts.reduce((state, event) => decider.evolve(state, event), decider.initialState)).toEqual({ standing: 'draining', keyId: 'k-1' });
  });
});

let made = 0;
const event = (draft: DraftEvent, version: number, time = version): DomainEvent =>
  ({ ...draft, id: `e-${made++}`, time, streamVersion: BigInt(version), actor: 'key:k-op' }) as unknown as DomainEvent;
const rowsOf = (projection: Projection<DomainEvent>, events: readonly DomainEvent[]) => foldChanges(projection.tables, events.flatMap((each) => projection.project(each))); // prettier-ignore

describe('the fleet projection', () => {
  const all = [
    event(edgeAdmitted.draft({ edgeId: 'e', keyId: 'k-1' }), 1),
    event(edgeDrained.draft({ edgeId: 'e', reason: 'disks' }), 2),
    event(edgeAdmitted.draft({ edgeId: 'e', keyId: 'k-2' }), 3),
    event(edgeResumed.draft({ edgeId: 'e', reason: 'done' }), 4),
    event(edgeScaleAdvised.draft({ region: 'eu', current: 1, desired: 2, load: 0.9, reason: 'more' }), 1, 10),
    event(edgeScaleAdvised.draft({ region: 'eu', current: 2, desired: 1, load: 0.1, reason: 'less' }), 1, 20),
  ];

  test('is the last that was decided, in every order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const changes = rowsOf(fleetProjection, [...shuffled, ...repeated]);
        expect(changes.find(({ table }) => table === 'edge_standing')?.set).toEqual({
          ...{ standing: 'serving', reason: 'done', at_ms: 4n, actor: 'key:k-op' },
          ...{ key_id: 'k-2', admitted_at_ms: 3n },
        });
        expect(changes.find(({ table }) => table === 'edge_scale')?.set).toMatchObject({ desired: 1n, reason: 'less' });
      }),
    );
    for (const change of all.flatMap((each) => fleetProjection.project(each)))
      expect(fleetProjection.tables.filter(({ name }) => name === change.table).flatMap((table) => wholeStampGroups(table, change))).toEqual([]);
  });
});

describe('the registry', () => {
  const nowMs = 100_000;
  const counters = { requests: 1, hits: 1, misses: 0, collapsed: 0, originFetches: 0, originErrors: 0, bytesServed: 0, bytesFromOrigin: 0 };
  const report = (edgeId: string, time: number, more: object = {}): DomainEvent =>
    event(edgeReported.draft({ edgeId, incarnation: 1, ...counters, objects: 0, memoryBytes: 0, ...noLoad, ...more }), 1, time);
  const known = (edgeId: string, more: object = {}): DomainEvent =>
    event(edgeRegistered.draft({ ...plainEdge({ edgeId, url: `http://${edgeId}`, region: 'eu', memoryBytesMax: 1 }), ...more }), 1, 1);
  const registry = (events: readonly DomainEvent[], keys: RegistryRows['keys'] = [], keysRequired = false) => {
    const changes = [...rowsOf(edgesProjection, events), ...rowsOf(fleetProjection, events)];
    const rows = (table: string) => changes.filter((change) => change.table === table).map(({ key, set }) => ({ ...key, ...set }));
    return registryOf({ edges: rows('edge'), counters: rows('edge_counters'), standings: rows('edge_standing'), keys }, { nowMs, keysRequired });
  };
  const admitted = (edgeId: string): DomainEvent => event(edgeAdmitted.draft({ edgeId, keyId: 'k-1' }), 1);
  const drained = event(edgeDrained.draft({ edgeId: 'e', reason: 'disks' }), 2);
  const removed = event(edgeRemoved.draft({ edgeId: 'e', reason: 'sold' }), 3);

  test.each<[string, EdgeState, string | null, Parameters<typeof registry>]>([
    ['said nothing yet', 'announced', null, [[known('e')]]],
    ['reported', 'up', null, [[known('e'), report('e', nowMs - 1000)]]],
    ['reported, not registered', 'up', null, [[report('e', nowMs)]]],
    ['fell silent', 'silent', null, [[known('e'), report('e', nowMs - 15_001)]]],
    ['drained', 'draining', 'disks', [[known('e'), report('e', nowMs), drained]]],
    ['drained and dead', 'silent', null, [[known('e'), report('e', 1), drained]]],
    ['takes nobody by its own word', 'draining', 'it says that it takes nobody new', [[known('e'), report('e', nowMs, { draining: true })]]],
    ['removed, whatever it reports', 'removed', 'sold', [[known('e'), report('e', nowMs), drained, removed]]],
    ['has a key that works', 'up', null, [[report('e', nowMs), admitted('e')], [{ key_id: 'k-1', revoked_at_ms: null, expires_at_ms: 0n }], true]],
    ['has a key that is revoked', 'refused', 'its key k-1 is revoked', [[report('e', nowMs), admitted('e')], [{ key_id: 'k-1', revoked_at_ms: 5n }]]],
    ['has a key that expired', 'refused', 'its key k-1 has expired', [[report('e', nowMs), admitted('e')], [{ key_id: 'k-1', expires_at_ms: 99_999n }]]],
    ['has no key where each must have one', 'refused', 'it has shown no key', [[report('e', nowMs)], [], true]],
  ])('an edge that %s is %s', (_what, state, reason, init) => {
    const [edge] = registry(...init);
    expect([edge?.state, edge?.reason]).toEqual([state, reason]);
    expect(isOurs({ state })).toBe(state !== 'removed' && state !== 'refused');
  });

  test('what is decided about an edge goes for its processes, and not the other way round', () => {
    const edges = registry([known('e'), known('e.1', { node: 'e' }), report('e', nowMs), report('e.1', nowMs), drained]);
    expect(edges.map(({ edgeId, state }) => [edgeId, state])).toEqual([['e', 'draining'], ['e.1', 'draining']]); // prettier-ignore
    const one = event(edgeDrained.draft({ edgeId: 'e.1', reason: 'odd' }), 1);
    const apart = registry([known('e'), known('e.1', { node: 'e' }), report('e', nowMs), report('e.1', nowMs), one]);
    expect(apart.map(({ edgeId, state }) => [edgeId, state])).toEqual([['e', 'up'], ['e.1', 'draining']]); // prettier-ignore
  });

  test('an edge of the first version of its registration can do nothing that is not known', () => {
    const [edge] = registry([known('e'), report('e', nowMs)]);
    expect(edge).toMatchObject({
      node: 'e',
      urls: [],
      addresses: [],
      location: null,
      processes: 1,
      bitsPerSecondMax: null,
      load: { connections: null, cpu: null },
    });
  });
});
