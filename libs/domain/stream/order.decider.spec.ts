import { describe, expect, test } from '@jest/globals';
import { clipMsMax, orderAggregate, type Mark, type RequestClip } from './index.ts';
import { clipsReactor } from './clips-reactor.ts';

const { decider } = orderAggregate;
const clip: RequestClip = { type: 'RequestClip', streamId: 'st-a', clipId: 'cl-a', name: 'The goal', fromMs: 1000, untilMs: 31_000 };
const marker: Mark['marker'] = {
  ...{ streamId: 'st-a', markerId: 'm', class: null, startMs: 1000, durationMs: null, plannedDurationMs: null, endsOnNext: false },
  ...{ scte35Cmd: null, scte35Out: null, scte35In: null, attributes: [], origin: 'api' },
};

/** What becomes of commands, one after the other: the types of their events, or why not. */
function outcomes(...commands: ReadonlyArray<Mark | RequestClip>): readonly string[] {
  let state = decider.initialState;
  return commands.map((command) => {
    const decision = decider.decide(command, state);
    for (const event of decision.events) state = decider.evolve(state, event);
    return 'code' in decision ? `${decision.code} ${decision.message}` : decision.events.map(({ type }) => type).join();
  });
}

describe('clips', () => {
  test('a clip that is asked for twice is one clip', () => expect(outcomes(clip, clip)).toEqual(['clip.requested', '']));
  test('another under the same key is refused', () => expect(outcomes(clip, { ...clip, name: 'Another' })[1]).toMatch(/^clip-exists/));
  test.each([
    [{ untilMs: 1000 }, /^invalid-clip until/],
    [{ untilMs: 1000 + clipMsMax + 1 }, /^invalid-clip until: A clip lasts at most 60 minutes/],
    [{ name: '  ' }, /^invalid-clip name/],
  ])('%j is refused', (change, reason) => expect(outcomes({ ...clip, ...change })[0]).toMatch(reason));

  test('each has a file made', () => {
    const [event] = decider.decide(clip, decider.initialState).events;
    const intents = clipsReactor.react({ event: event as never, recordedAtMs: 0 }, undefined);
    expect(intents).toEqual([{ kind: 'clip-make', lane: 'st-a', payload: { streamId: 'st-a', clipId: 'cl-a', fromMs: 1000, untilMs: 31_000 } }]);
  });
});

describe('markers', () => {
  const mark = (change: Partial<Mark['marker']> = {}): Mark => ({ type: 'Mark', marker: { ...marker, ...change }, nowMs: 5000 });
  const more = (said: Partial<Mark['marker']>, nowMs: number): Mark => ({
    type: 'Mark',
    marker: { streamId: 'st-a', markerId: 'm', origin: 'api', ...said },
    nowMs,
  });
  test('more can be said about one, the same again says nothing', () =>
    expect(outcomes(mark(), mark({ durationMs: 5000 }), mark({ durationMs: 5000 }))).toEqual(['stream.marked', 'stream.marked', '']));
  test('what is left out stays as it was told, and a new one begins now', () => {
    const out = [{ name: 'TITLE', value: 'Break', isNumber: false }];
    const first = decider.decide(more({ class: 'ad', scte35Out: '0xFC', attributes: out }, 5000), decider.initialState).events;
    const state = decider.evolve(decider.initialState, first[0] as never);
    const [second] = decider.decide(more({ scte35In: '0xFD', attributes: [{ name: 'SEEN', value: '1', isNumber: true }] }, 9000), state).events;
    expect(second?.data).toMatchObject({ class: 'ad', startMs: 5000, scte35Out: '0xFC', scte35In: '0xFD', attributes: [...out, { name: 'SEEN' }] });
    expect(outcomes(more({}, 5000), more({}, 9000))).toEqual(['stream.marked', '']);
  });
  test('attributes are bounded over all that is said', () => {
    const some = (from: string) => Array.from({ length: 20 }, (_, at) => ({ name: `${from}-${at}`, value: '', isNumber: false }));
    expect(outcomes(more({ attributes: some('A') }, 1), more({ attributes: some('B') }, 2))[1]).toMatch(/^invalid-marker attributes/);
  });
  test('it keeps its class, which may be told later', () => {
    expect(outcomes(mark(), more({ class: 'ad' }, 2), more({ class: 'ad', durationMs: 1 }, 3), more({ class: 'other' }, 4)).slice(1)).toEqual([
      expect.anything(),
      expect.anything(),
      'marker-reclassified class: A marker keeps its class, ad; use another id.',
    ]);
  });

  test('it stays where it began', () => expect(outcomes(mark(), mark({ startMs: 2000 }))[1]).toMatch(/^marker-moved/));
  test.each([
    [{ endsOnNext: true }, /needs a class/],
    [{ endsOnNext: true, class: 'ad', durationMs: 1 }, /has no duration/],
  ])('%j is refused', (change, reason) => expect(outcomes(mark(change))[0]).toMatch(reason));
});
