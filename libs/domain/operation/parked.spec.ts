import { describe, expect, test } from '@jest/globals';
import { eventParked, type DomainEvent, type EventOf } from '#events';
import { foldChanges } from '#kernel';
import { isDiscarding, leftOutOf } from './left-out.policy.ts';
import { operationAggregate } from './operation-aggregate.ts';
import { parkedEventsProjection } from './parked-event.projection.ts';
import {
  parkedDecider,
  parkedIdOf,
  parkedKeyOf,
  projectionOf,
  type KnownParked,
  type ParkedAggregateState,
  type ParkedCommand,
  type ParkedDraft,
} from './parked.decider.ts';

const key = { topic: 'stream', partition: 7, offset: '9007199254740993', consumer: 'streams@3' };
const id = 'pk-stream-7-9007199254740993-streams-3';
const retry: ParkedCommand = { ...key, type: 'OrderRedrive', verb: 'retry', requestedBy: 'key:k-1', reason: 'mended' };
const discard: ParkedCommand = { ...retry, verb: 'discard', reason: 'a test' };
const failed: ParkedCommand = { type: 'RecordFailed', order: 1, code: 'PROJECTION_FAILED', message: 'no', attempts: 6 };
const redriven = (order: number): ParkedCommand => ({ type: 'RecordRedriven', order, applied: 4 });

/** Runs commands one after another; answers the state, and what the last of them came to. */
function given(...commands: readonly ParkedCommand[]) {
  let state: ParkedAggregateState = parkedDecider.initialState;
  let last: ReturnType<typeof parkedDecider.decide> | undefined;
  for (const command of commands) {
    last = parkedDecider.decide(command, state);
    for (const draft of last.refused ? [] : last.events) state = operationAggregate.decider.evolve(state, draft) as ParkedAggregateState;
  }
  const events = last === undefined || last.refused ? [] : last.events;
  return { state, events, refusal: last?.refused === true ? last.code : undefined };
}

describe('what is asked for a parked event', () => {
  test('is on record with its order, by whom and why', () => {
    const { state, events } = given(retry);
    expect(events).toMatchObject([
      { type: 'parked-event.retry-requested', data: { ...key, parkedId: id, order: 1, requestedBy: 'key:k-1', reason: 'mended' } },
    ]);
    expect(state).toMatchObject({ status: 'ordered', redrive: 'open', verb: 'retry', parkedId: id });
  });

  test.each([
    ['is taken', [retry, redriven(1)], 'parked-event.redriven', 'redriven'],
    ['fails again', [retry, failed], 'parked-event.retry-failed', 'failed'],
    ['is discarded', [discard, redriven(1)], 'parked-event.discarded', 'discarded'],
    ['is asked for anew after it failed', [retry, failed, retry], 'parked-event.retry-requested', 'ordered'],
    ['is discarded after it failed', [retry, failed, discard, redriven(2)], 'parked-event.discarded', 'discarded'],
  ] as const)('%s', (_what, commands, type, status) => {
    const { state, events } = given(...commands);
    expect(events.map((one) => one.type)).toEqual([type]);
    expect(state).toMatchObject({
      status,
      redrive: status === 'ordered' ? 'open' : 'closed',
      reason: commands.includes(discard as never) ? 'a test' : 'mended',
    });
  });

  test.each([
    ['the same twice', [retry, retry]],
    ['a word about an order before', [retry, failed, retry, redriven(1)]],
    ['a word about what is done with', [retry, redriven(1), redriven(1)]],
    ['a word about what nobody asked for', [redriven(1)]],
  ])('%s changes nothing', (_what, commands) => expect(given(...commands).events).toEqual([]));

  test.each([
    ['a discard while a retry is under way', [retry, discard], 'parked-busy'],
    ['a retry of what was discarded', [discard, redriven(1), retry], 'parked-discarded'],
    ['a discard without a reason', [{ ...discard, reason: '' } as ParkedCommand], 'reason-missing'],
    ['a discard of which a letter is all the reason', [{ ...discard, reason: 'x' } as ParkedCommand], 'reason-missing'],
  ])('%s is refused', (_what, commands, code) => expect(given(...commands).refusal).toBe(code));

  test.each([
    ['is discarded', [discard, redriven(1)], true, false],
    ['is to be discarded', [discard], false, true],
    ['could not be discarded', [discard, failed], false, false],
    ['is discarded again, as a roll-back had it parked', [discard, redriven(1), discard], true, true],
    ['could not be discarded again', [discard, redriven(1), discard, { ...failed, order: 2 }], true, false],
    ['is taken', [retry, redriven(1)], false, false],
  ] as const)('what %s is left out of what is built: by its projection alone, whatever the version', (_what, commands, leftOut, discarding) => {
    const heads = [given(...commands).state as KnownParked];
    expect([...leftOutOf('streams', heads)]).toEqual(leftOut ? ['stream/7/9007199254740993'] : []);
    expect([isDiscarding('streams', heads), leftOutOf('contents', heads).size]).toEqual([discarding, 0]);
    expect(leftOutOf('contents', [{ ...heads[0], consumer: '*' } as KnownParked]).size).toBe(leftOut ? 1 : 0);
  });

  test.each([
    [key, id],
    [{ topic: 'content', partition: 0, offset: '0', consumer: '*' }, 'pk-content-0-0-all'],
    [{ topic: 'operation', partition: 11, offset: '4', consumer: 'parked_events@12' }, 'pk-operation-11-4-parked_events-12'],
  ])('its id tells its place: %j', (place, expected) => {
    expect(parkedIdOf(place)).toBe(expected);
    expect(parkedKeyOf(expected)).toEqual(place);
  });

  test.each(['', 'pk-stream-7', 'pk-stream-x-1-all', 'pk-stream-7-1-Streams-3', 'rp-1'])('%j is no id of one', (text) =>
    expect(parkedKeyOf(text)).toBeUndefined(),
  );

  test('a consumer names a projection, or nobody', () => {
    expect([projectionOf('streams@3'), projectionOf('*'), projectionOf('streams')]).toEqual([{ projection: 'streams', version: 3 }, undefined, undefined]);
  });
});

describe('its row', () => {
  const event = (draft: ParkedDraft | EventOf<typeof eventParked>, time: number): DomainEvent =>
    ({ ...draft, id: `e-${time}`, time, actor: 'system:p' }) as unknown as DomainEvent;
  const parked = event(
    eventParked.draft({ ...key, eventId: 'x', eventType: 'y', code: 'C', field: '', message: 'm', attempts: 5, stack: 's', recordedAtMs: 1 }) as never,
    10,
  );
  const said = (at: number, ...commands: readonly ParkedCommand[]): DomainEvent => event(given(...commands).events[0] as ParkedDraft, at);
  const rowOf = (...events: readonly DomainEvent[]) =>
    foldChanges(
      parkedEventsProjection.tables,
      events.flatMap((one) => parkedEventsProjection.project(one)),
    )[0];

  test('tells what was said of it last, in whatever order it comes', () => {
    const all = [parked, said(20, retry), said(30, retry, failed), said(40, retry, failed, discard)];
    const expected = { state: 'discarding', state_by: 'key:k-1', state_note: 'a test', state_at_ms: 40n, attempts: 6, parked_at_ms: 10n };
    expect(rowOf(...all)?.set).toMatchObject(expected);
    expect(rowOf(...all.toReversed(), ...all)?.set).toMatchObject(expected);
  });

  test('says why a retry failed', () => {
    expect(rowOf(parked, said(30, retry, failed))?.set).toMatchObject({ state: 'parked', state_note: 'PROJECTION_FAILED: no' });
  });
});
