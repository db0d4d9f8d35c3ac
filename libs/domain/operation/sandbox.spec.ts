import { describe, expect, test } from '@jest/globals';
import { sandboxCreated, sandboxDropped, sandboxDropRequested, sandboxFailed, sandboxReady } from '#events';
import type { Decision } from '#kernel';
import { buildsOf, isBuilt, sandboxBuildId, sandboxOf } from './sandbox-build.core.ts';
import { sandboxDecider, type SandboxCommand, type SandboxDraft, type SandboxState } from './sandbox.decider.ts';

const order = { name: 'try', sandboxId: 'aaaaaaaa', projections: ['streams'], fromMs: null, untilMs: 1000, expiresAtMs: 5000, reason: 'why' };
const create = { type: 'CreateSandbox', ...order } as const;
const id = { name: 'try', sandboxId: 'aaaaaaaa' };

function after(...events: readonly SandboxDraft[]): SandboxState {
  return events.reduce((state, event) => sandboxDecider.evolve(state, event), sandboxDecider.initialState);
}

function told(decision: Decision<SandboxDraft>): readonly string[] | string {
  return decision.refused ? decision.code : decision.events.map(({ type }) => type);
}

const created = sandboxCreated.draft({ ...order });
const ready = sandboxReady.draft({ ...id, events: 3, skipped: 0, eventsGone: 2 });
const failed = sandboxFailed.draft({ ...id, code: 'X', message: 'm' });
const asked = sandboxDropRequested.draft({ ...id, reason: '', requestedBy: 'key:k-1' });
const dropped = sandboxDropped.draft(id);
const drop = { type: 'DropSandbox', reason: '', requestedBy: 'key:k-1' } as const;
const recordReady = { type: 'RecordSandboxReady', sandboxId: 'aaaaaaaa', events: 3, skipped: 0, eventsGone: 2 } as const;
const recordDrop = { type: 'RecordSandboxDrop', sandboxId: 'aaaaaaaa' } as const;
const fail = { type: 'FailSandbox', sandboxId: 'aaaaaaaa', code: 'X', message: 'm', isLost: false } as const;

describe('a sandbox', () => {
  test.each<readonly [string, readonly SandboxDraft[], SandboxCommand, readonly string[] | string]>([
    ['is created', [], create, ['sandbox.created']],
    ['is created once, however often the order comes', [created], create, []],
    ['has its name for itself', [created], { ...create, sandboxId: 'bbbbbbbb' }, 'sandbox-exists'],
    ['has its name for itself while it is being dropped', [created, asked], { ...create, sandboxId: 'bbbbbbbb' }, 'sandbox-exists'],
    ['leaves its name to another', [created, asked, dropped], { ...create, sandboxId: 'bbbbbbbb' }, ['sandbox.created']],
    ['has a window', [], { ...create, fromMs: 1000 }, 'invalid-window'],
    ['is ready once', [created], recordReady, ['sandbox.ready']],
    ['is ready no more when it is being dropped', [created, asked], recordReady, []],
    ['fails while it is built', [created], fail, ['sandbox.failed']],
    ['does not fail once it is ready', [created, ready], fail, []],
    ['fails once its tables are lost and cannot be made again', [created, ready], { ...fail, isLost: true }, ['sandbox.failed']],
    ['does not fail while it is being dropped', [created, ready, asked], { ...fail, isLost: true }, []],
    ['is dropped while it is built', [created], drop, ['sandbox.drop-requested']],
    ['is dropped when it is ready', [created, ready], drop, ['sandbox.drop-requested']],
    ['is dropped when it failed', [created, failed], drop, ['sandbox.drop-requested']],
    ['is dropped once', [created, asked], drop, []],
    ['is gone when nothing is left', [created, asked], recordDrop, ['sandbox.dropped']],
    ['is not gone unless somebody asked', [created, ready], recordDrop, []],
    ['that is gone cannot be dropped', [created, asked, dropped], drop, 'unknown-sandbox'],
    ['that never was cannot be dropped', [], drop, 'unknown-sandbox'],
    ['is not touched by late words about one before it', [created], { ...recordReady, sandboxId: 'bbbbbbbb' }, []],
  ])('%s', (_what, history, command, expected) => {
    expect(told(sandboxDecider.decide(command, after(...history)))).toEqual(expected);
  });

  test('stands until nothing is left of it', () => {
    const statuses = [[created], [created, ready], [created, failed], [created, asked], [created, asked, dropped]].map((events) => after(...events));
    expect(statuses.map((state) => [state.status, 'stands' in state && state.stands])).toEqual([
      ['building', 'yes'],
      ['ready', 'yes'],
      ['failed', 'yes'],
      ['dropping', 'yes'],
      ['dropped', 'no'],
    ]);
  });

  test('remembers what it lacks', () => {
    expect([after(created), after(created, ready)].map((state) => 'stands' in state && state.eventsGone)).toEqual([undefined, 2]);
  });

  test('remembers who asked for its end', () => {
    expect(after(created, asked)).toMatchObject({ droppedBy: 'key:k-1' });
  });

  test.each([
    ['both', {}, {}, true],
    ['one that is not there', {}, undefined, false],
    ['one that is not finished', {}, { finished: false }, false],
    ['one that was dropped', { state: 'dropped' }, {}, false],
    ['one of another sandbox', {}, { id: 'sb-bbbbbbbb-parked-events' }, false],
  ])('of two read models is built with %s: %j, %j', (_what, first, second, built) => {
    const two = { sandboxId: 'aaaaaaaa', projections: ['streams', 'parked_events'] };
    const [one, other] = buildsOf(two).map((id) => ({ id, state: 'building', finished: true }));
    const builds = [{ ...(one as typeof one & object), ...first }, ...(second === undefined ? [] : [{ ...(other as typeof other & object), ...second }])];
    expect(isBuilt(two, builds)).toBe(built);
  });

  test('names its builds so that they are known as its own', () => {
    expect(sandboxBuildId('aaaa', 'parked_events')).toBe('sb-aaaa-parked-events');
    expect([sandboxOf('sb-aaaa-parked-events'), sandboxOf('rp-7f3k'), sandboxOf('first-12')]).toEqual(['aaaa', undefined, undefined]);
  });
});
