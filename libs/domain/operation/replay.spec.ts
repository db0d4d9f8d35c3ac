import { describe, expect, test } from '@jest/globals';
import { definitionOf, type DomainEvent } from '#events';
import { foldChanges } from '#kernel';
import { isPartial, replayDecider, type ReplayCommand, type ReplayDraft, type ReplayOrder, type ReplayState } from './replay.decider.ts';
import { replaysProjection } from './replay.projection.ts';

const order: ReplayOrder = {
  ...{ replayId: 'rp-1', projection: 'streams', mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: false, reason: 'why' },
};
const request = (changed: Partial<ReplayOrder> = {}): ReplayCommand => ({ type: 'RequestReplay', ...order, ...changed });
const start: ReplayCommand = { type: 'StartReplay', projectionVersion: 3, owner: 'node-1' };
const pause: ReplayCommand = { type: 'PauseReplay' };
const resume: ReplayCommand = { type: 'ResumeReplay' };
const cancel: ReplayCommand = { type: 'CancelReplay', reason: 'wrong one' };
const complete: ReplayCommand = { type: 'CompleteReplay', poisoned: [], events: 10, skipped: 1, eventsGone: 0 };
const completeLate: ReplayCommand = { ...complete, eventsGone: 34_633 };
const fail: ReplayCommand = { type: 'FailReplay', code: 'PROJECTION_FAILED', message: 'boom' };
const compared: ReplayCommand = { type: 'RecordComparison', equal: false, added: 1, removed: 2, changed: 3, digest: 'ab', eventsGone: 0 };
const promote: ReplayCommand = { type: 'PromoteReplay', acceptLoss: false };
const promoteAnyway: ReplayCommand = { type: 'PromoteReplay', acceptLoss: true };
const promoted: ReplayCommand = { type: 'RecordPromotion', fromVersion: 2, toVersion: 3 };
const rollBack: ReplayCommand = { type: 'RollBackReplay', reason: 'totals' };
const rolledBack: ReplayCommand = { type: 'RecordRollBack', fromVersion: 3, toVersion: 2 };
const notRolledBack: ReplayCommand = { type: 'RefuseRollBack', code: 'BUILD_NOT_KEPT', message: 'gone' };

interface Told {
  readonly state: ReplayState;
  readonly events: readonly ReplayDraft[];
  readonly refusal: string | undefined;
}

/** Gives the commands in order; the last one's refusal, all events, and the state after. */
function told(...commands: readonly ReplayCommand[]): Told {
  let state = replayDecider.initialState;
  const events: ReplayDraft[] = [];
  let refusal: string | undefined;
  for (const command of commands) {
    const decision = replayDecider.decide(command, state);
    refusal = decision.refused ? decision.code : undefined;
    for (const event of decision.events) {
      expect(definitionOf(event.type)?.schema.safeParse(event.data).success).toBe(true);
      state = replayDecider.evolve(state, event);
      events.push(event);
    }
  }
  return { state, events, refusal };
}

const typesOf = (...commands: readonly ReplayCommand[]): readonly string[] => told(...commands).events.map(({ type }) => type);

describe('a replay', () => {
  test.each<[string, readonly ReplayCommand[], string, string]>([
    ['asked for', [request()], 'requested', 'open'],
    ['begun', [request(), start], 'running', 'open'],
    ['paused', [request(), start, pause], 'paused', 'closed'],
    ['paused before it began', [request(), pause], 'paused', 'closed'],
    ['resumed', [request(), start, pause, resume], 'running', 'open'],
    ['resumed before it began', [request(), pause, resume], 'requested', 'open'],
    ['done', [request(), start, complete], 'ready', 'open'],
    ['done, of a part of the log', [request({ partitions: [1] }), start, complete], 'ready', 'closed'],
    ['done, to be promoted', [request({ promote: true }), start, complete], 'promoting', 'open'],
    ['cancelled', [request(), start, cancel], 'cancelled', 'closed'],
    ['cancelled when it was ready', [request(), start, complete, cancel], 'cancelled', 'closed'],
    ['failed', [request(), start, fail], 'failed', 'closed'],
    ['compared', [request({ mode: 'comparison' }), start, compared], 'compared', 'closed'],
    ['to be promoted', [request(), start, complete, promote], 'promoting', 'open'],
    ['promoted', [request(), start, complete, promote, promoted], 'promoted', 'closed'],
    ['to be rolled back', [request({ promote: true }), start, complete, promoted, rollBack], 'rolling-back', 'open'],
    ['rolled back', [request({ promote: true }), start, complete, promoted, rollBack, rolledBack], 'rolled-back', 'closed'],
    ['not rolled back', [request({ promote: true }), start, complete, promoted, rollBack, notRolledBack], 'promoted', 'closed'],
  ])('%s', (_what, commands, status, phase) => {
    const { state, refusal } = told(...commands);
    expect([refusal, state]).toEqual([undefined, expect.objectContaining({ status, phase, projection: 'streams' })]);
  });

  test.each<[string, readonly ReplayCommand[], string, string]>([
    ['done, to be promoted, where the log has lost events', [request({ promote: true }), start, completeLate], 'ready', 'open'],
    ['done like that, where the order accepts it', [request({ promote: true, acceptLoss: true }), start, completeLate], 'promoting', 'open'],
    ['held back, and let go', [request({ promote: true }), start, completeLate, promoteAnyway, promoted], 'promoted', 'closed'],
    ['held back, let go, and told again by the projector', [request({ promote: true }), start, completeLate, promoteAnyway, completeLate], 'promoting', 'open'],
    ['promoted by who did not look, and taken back', [request({ promote: true }), start, complete, completeLate], 'ready', 'open'],
    ['held back, and cancelled', [request({ promote: true }), start, completeLate, cancel], 'cancelled', 'closed'],
  ])('%s', (_what, commands, status, phase) => {
    const { state, refusal } = told(...commands);
    expect([refusal, state]).toEqual([undefined, expect.objectContaining({ status, phase, eventsGone: 34_633 })]);
  });

  test('knows the version of the code that builds it', () => {
    expect(told(request(), start, pause, resume).state).toMatchObject({ projectionVersion: 3 });
  });

  test.each<[string, string, readonly ReplayCommand[]]>([
    ['unknown-replay', 'that nobody asked for', [pause]],
    ['invalid-window', 'that ends before it begins', [request({ fromMs: 5, untilMs: 5 })]],
    ['replay-partial', 'of a part, to be promoted at once', [request({ untilMs: 5, promote: true })]],
    ['replay-partial', 'that compares, to be promoted', [request({ mode: 'comparison', promote: true })]],
    ['replay-partial', 'of a part, promoted later', [request({ fromMs: 5 }), start, complete, promote]],
    ['replay-past-gone', 'that would lose what nobody said may be lost, promoted', [request(), start, completeLate, promote]],
    ['replay-status', 'that has not caught up, promoted', [request(), start, promote]],
    ['replay-status', 'that is ready, paused', [request(), start, complete, pause]],
    ['replay-status', 'that is cancelled, resumed', [request(), cancel, resume]],
    ['replay-status', 'that is promoted, cancelled', [request({ promote: true }), start, complete, promoted, cancel]],
    ['replay-status', 'that is not promoted, rolled back', [request(), start, rollBack]],
  ])('is refused as %s: one %s', (code, _what, commands) => {
    expect(told(...commands).refusal).toBe(code);
  });

  test('asked the same twice does it once', () => {
    expect(
      typesOf(request(), request(), start, start, pause, pause, resume, resume, complete, complete, promote, promote, promoted, promoted, promote),
    ).toEqual([
      'replay.requested',
      'replay.started',
      'replay.paused',
      'replay.resumed',
      'replay.completed',
      'replay.promotion-requested',
      'projection.promoted',
    ]);
    const served = [request({ promote: true }), start, complete, promoted];
    expect(typesOf(...served, rollBack, rollBack, rolledBack, rolledBack, rollBack).slice(4)).toEqual(['replay.rollback-requested', 'projection.rolled-back']);
    expect(typesOf(request(), cancel, cancel)).toEqual(['replay.requested', 'replay.cancelled']);
  });

  test('that is over hears no late words of its projector', () => {
    expect(typesOf(request(), cancel, start, complete, fail, compared, promoted, rolledBack, notRolledBack)).toEqual(['replay.requested', 'replay.cancelled']);
  });

  test('of a part leaves out a part', () => {
    expect([order, { ...order, fromMs: 1 }, { ...order, untilMs: 1 }, { ...order, partitions: [] }].map(isPartial)).toEqual([false, true, true, true]);
  });
});

describe('the replays projection', () => {
  const history = (...commands: readonly ReplayCommand[]): DomainEvent[] =>
    told(...commands).events.map(
      (draft, at) =>
        ({
          ...draft,
          subject: 'rp-1',
          actor: at === 0 ? 'key:k-1' : 'system:projector',
          time: 100 + at,
          streamVersion: BigInt(at + 1),
        }) as unknown as DomainEvent,
    );
  const rowOf = (events: readonly DomainEvent[]) =>
    foldChanges(
      replaysProjection.tables,
      events.flatMap((event) => replaysProjection.project(event)),
    )[0];

  test('tells what was asked, by whom, and what became of it, in any order', () => {
    const events = history(request({ promote: true, fromMs: null }), start, complete, promoted, rollBack, rolledBack);
    const row = rowOf(events);
    expect(row?.set).toMatchObject({
      projection: 'streams',
      requested_by: 'key:k-1',
      requested_at_ms: 100n,
      projection_version: 3,
      events: 10n,
      promoted_at_ms: 103n,
      rolled_back_at_ms: 105n,
    });
    expect(row?.set).toMatchObject({ last_event: 'projection.rolled-back', last_actor: 'system:projector' });
    expect(rowOf([...events].reverse())).toEqual(row);
    expect(rowOf([...events, ...events])).toEqual(row);
  });

  test.each<[string, readonly ReplayCommand[], object]>([
    ['a window', [request({ fromMs: 5, untilMs: 9, partitions: [1] })], { from_ms: 5n, until_ms: 9n, partitions: [1], last_note: 'why' }],
    [
      'a difference',
      [request({ mode: 'comparison' }), start, compared],
      { difference: { equal: false, added: 1, removed: 2, changed: 3, digest: 'ab' }, last_note: 'different' },
    ],
    [
      'a difference from a log that has lost events',
      [request({ mode: 'comparison' }), start, { ...compared, eventsGone: 1_200 } as ReplayCommand],
      {
        difference: { equal: false, added: 1, removed: 2, changed: 3, digest: 'ab', eventsGone: 1_200 },
        last_note: 'different; 1,200 events from before it began are no longer on the log',
      },
    ],
    [
      'why one waits',
      [request({ promote: true }), start, completeLate],
      { last_event: 'replay.completed', last_note: '34,633 events from before it began are no longer on the log' },
    ],
    ['equality', [request({ mode: 'comparison' }), start, { ...compared, equal: true }], { last_note: 'equal' }],
    ['a failure', [request(), start, fail], { last_note: 'PROJECTION_FAILED: boom' }],
    ['a cancellation', [request(), start, pause, resume, cancel], { last_note: 'wrong one' }],
    ['a promotion that was asked for', [request(), start, complete, promote], { last_event: 'replay.promotion-requested' }],
    ['a roll-back that was refused', [request({ promote: true }), start, complete, promoted, rollBack, notRolledBack], { last_note: 'BUILD_NOT_KEPT: gone' }],
  ])('shows %s', (_what, commands, set) => {
    expect(rowOf(history(...commands))?.set).toMatchObject(set);
  });

  test('says nothing of other events', () => {
    expect(replaysProjection.project({ type: 'event.parked', time: 1, data: {} } as unknown as DomainEvent)).toEqual([]);
  });
});
