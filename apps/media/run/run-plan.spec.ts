import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FeedTag, StartPoint } from '../feed/feed.types.ts';
import type { LastSegments, LiveSession, StreamState } from '../fold/stream-fold.core.ts';
import { meeting, planRun, programDateTime, sessionEnd, storedUntilMs, type Announced, type CarriedPictures, type RunPlan } from './run-plan.core.ts';

const session: LiveSession = { sessionId: 's1', endpoint: 'primary', relayUrl: 'http://relay', startedAtMs: 1_790_000_000_123, tenant: 'acme' };
const created: StreamState = {
  streamId: 'st-1',
  rungs: [],
  audioBitrate: 128_000,
  segmentDurationMs: 2000,
  sessions: [session],
  active: { sessionId: 's1', continues: [] },
  encodingEpoch: 1,
  encodingVideo: ['720p'],
  establishedVideo: [],
};

function startAt(timestampMs: number, presentationMs = timestampMs): StartPoint {
  const tag: FeedTag = {
    kind: 'video',
    timestampMs,
    presentationMs,
    keyFrame: true,
    body: new Uint8Array(),
    generation: { number: 0, video: undefined, audio: undefined, sealed: true, muted: false },
  };
  return { index: 0, tag, source: {} };
}

/** The stream after a segment of a run with that offset. */
function after(offsetMs: number, startUs: number, endUs: number, audioEndUs = endUs, sessionId = 's1'): StreamState {
  const video = { startUs, endUs, programDateTimeMs: programDateTime(session, offsetMs, startUs), initCid: 'v' };
  const audio = { startUs, endUs: audioEndUs, programDateTimeMs: 0, initCid: 'a' };
  return { ...created, establishedVideo: ['720p'], last: { mediaSequence: 8, sessionId, renditions: { audio, '720p': video } } };
}

describe('a session that takes over and is carried as it is', () => {
  const other: LiveSession = { ...session, sessionId: 's2', endpoint: 'backup', startedAtMs: session.startedAtMs + 700 };
  const state: StreamState = { ...after(0, 8e6, 9_300_000), sessions: [session, other], active: { sessionId: 's2', continues: ['s1'] } };
  const plan = (atMs: number, carries: CarriedPictures = 'all', of = other): unknown[] => {
    const { videoStreamUs, offsetMs, discontinuity, mediaSequence } = planRun(state, of, startAt(atMs), undefined, carries);
    return [videoStreamUs, offsetMs, discontinuity, mediaSequence];
  };

  test.each([
    ['exactly at the end', 8600, 700],
    ['a little behind it', 8760, 540],
    ['a little before it', 8450, 850],
  ])('meets the one before at its key frame %s', (_where, atMs, offsetMs) => {
    expect(plan(atMs)).toEqual([9_300_000, offsetMs, true, 9]);
    const back = sessionEnd(state, other);
    expect(back && storedUntilMs(back)).toBe(8600);
  });

  test('does not where its key frame is far from there, where it is encoded, or where the end is its own', () => {
    expect(plan(9100)[2]).toBe(true);
    expect(plan(8760, 'none')[2]).toBe(true);
    expect(meeting(state, session, startAt(9400))).toBeUndefined();
  });
});

describe('a session that is carried and takes over at another phase of key frames', () => {
  const other: LiveSession = { ...session, sessionId: 's2', endpoint: 'backup' };
  const planned = (endMs: number, change: Partial<StreamState> = {}, announced?: Announced, carries: CarriedPictures = 'all'): RunPlan => {
    const place = after(0, 8e6, endMs * 1000);
    const state: StreamState = { ...place, sessions: [session, other], active: { sessionId: 's2', continues: ['s1'] }, ...change };
    return planRun(state, other, startAt(endMs), announced, carries);
  };
  const breaksAt = (phasesMs: readonly number[], periodUs?: number): number[] =>
    phasesMs.filter((ms) => planned(8000 + ms, periodUs === undefined ? {} : { periodUs }).discontinuity);
  const phases = [100, 400, 700, 900, 1100, 1400, 1700, 1900];

  test('goes on where it is, and breaks only where DASH players would not count to its segments in the period there is', () => {
    expect(breaksAt(phases)).toEqual([1100, 1400, 1700]);
    expect(breaksAt(phases, 0)).toEqual([1100, 1400, 1700]);
    // Of a period that such a break has begun before; its last segment is where that counts to.
    expect(breaksAt(phases, 4_500_000)).toEqual([1700]);
    expect(planned(9400)).toMatchObject({ videoStreamUs: 9_400_000, mediaSequence: 9, discontinuity: true });
  });

  test('does not break where segments are listed anyhow, or nobody counts', () => {
    expect(planned(9400, { lowLatency: false }).discontinuity).toBe(false);
    const long = {
      last: {
        ...(after(0, 8e6, 9.4e6).last as LastSegments),
        renditions: { '720p': { startUs: 6.9e6, endUs: 9.4e6, programDateTimeMs: session.startedAtMs + 6900, initCid: 'v' } },
      },
    };
    expect(planned(9400, long).discontinuity).toBe(false);
    expect(planned(9400, {}, undefined, 'some').discontinuity).toBe(false);
  });

  test('leaves the number out that players know parts of, and does not break there', () => {
    const told = { sequence: 9, passed: -1, likewise: false, known: true };
    expect(planned(9400, {}, told)).toMatchObject({ mediaSequence: 10, discontinuity: false });
  });
});

describe('the first run of a stream', () => {
  test('its first picture is at stream time zero, whatever the session time', () => {
    expect(planRun(created, session, startAt(40, 107))).toEqual({
      rebaseMs: 40,
      videoStartUs: 67_000,
      audioStartUs: 67_000,
      videoStreamUs: 0,
      audioStreamUs: 0,
      gridPhaseUs: 0,
      offsetMs: -107,
      mediaSequence: 0,
      discontinuity: false,
    });
  });
});

describe('a run of the same session', () => {
  test('continues exactly where the stored segments end, on their grid', () => {
    const state = after(-107, 10e6, 11.3e6, 11.314667e6);
    expect(planRun(state, session, startAt(10_000, 10_067))).toMatchObject({
      rebaseMs: 10_000,
      offsetMs: -107,
      videoStreamUs: 11.3e6,
      // 11.3 s of stream time are 11.407 s of session time, 1.407 s after the tag.
      videoStartUs: 1_407_000,
      audioStreamUs: 11.314667e6,
      audioStartUs: 1_421_667,
      gridPhaseUs: 1.3e6,
      mediaSequence: 9,
      discontinuity: false,
    });
  });

  test('a key frame after the end means media that cannot be shown: it goes on there, behind a discontinuity, by its own clock', () => {
    const state = after(-107, 10e6, 11.3e6, 11.314667e6);
    const plan = planRun(state, session, startAt(12_000), undefined, 'all');
    const place = { videoStreamUs: 11.3e6, audioStreamUs: 11.314667e6, offsetMs: -700, gridPhaseUs: 1.3e6 };
    expect(plan).toMatchObject({ ...place, videoStartUs: 0, mediaSequence: 9, discontinuity: true });
    expect(programDateTime(session, plan.offsetMs, plan.videoStreamUs)).toBe(session.startedAtMs + 12_000);
    // What an encoder cuts is on the grid.
    expect(planRun(state, session, startAt(12_000), undefined, 'some')).toMatchObject({
      videoStreamUs: 12e6,
      offsetMs: 0,
      gridPhaseUs: 0,
      discontinuity: true,
    });
  });

  test('one that is a frame behind it continues it: the sound of two encoders is primed differently', () => {
    const state = after(-107, 10e6, 11.3e6, 11.314667e6);
    expect(planRun(state, session, startAt(11_409))).toMatchObject({ videoStreamUs: 11.3e6, videoStartUs: 0, offsetMs: -107, discontinuity: false });
  });

  test('where more is missing it begins on the grid, as many segments later', () => {
    const state = after(-107, 10e6, 11.3e6, 11.314667e6);
    expect(planRun(state, session, startAt(16_200))).toMatchObject({ videoStreamUs: 16e6, gridPhaseUs: 0, mediaSequence: 11, discontinuity: true });
  });

  test('however its segments begin, the offset is read back exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(4e9), fc.integer({ min: 1, max: 3e6 }), (offsetMs, startUs, durationUs) => {
        expect(sessionEnd(after(offsetMs, startUs, startUs + durationUs), session)).toEqual({
          offsetMs,
          leaderEndUs: startUs + durationUs,
          audioEndUs: startUs + durationUs,
        });
      }),
    );
  });

  test('stored until: the end in session time', () => {
    expect(storedUntilMs({ offsetMs: -107, leaderEndUs: 11.3e6, audioEndUs: 0 })).toBe(11_407);
  });
});

describe('a run with which the picture comes back to its sound', () => {
  /** Sound alone up to 20.01 s of the session, whose time is 107 ms ahead of the stream's. */
  const heard = { startUs: 18e6, endUs: 19.903e6, programDateTimeMs: programDateTime(session, -107, 18e6), initCid: 'a', isPicture: false };
  const state: StreamState = {
    ...after(-107, 10e6, 11.3e6),
    last: { mediaSequence: 8, sessionId: 's1', renditions: { audio: heard, 'audio-1': { ...heard, endUs: 19.89e6 } } },
  };

  test('begins with its key frame, and with the sound where that ended', () => {
    expect(planRun(state, session, startAt(20_020, 20_087))).toMatchObject({
      rebaseMs: 20_010,
      videoStartUs: 77_000,
      audioStartUs: 0,
      videoStreamUs: 19.98e6,
      audioStreamUs: 19.903e6,
      soundStreamUs: { audio: 19.903e6, 'audio-1': 19.89e6 },
      gridPhaseUs: 1.98e6,
      offsetMs: -107,
      mediaSequence: 9,
      discontinuity: true,
    });
  });

  test('may begin before the sound ended where it is carried, and continues it where it is encoded', () => {
    const early = startAt(19_800, 19_867);
    expect(planRun(state, session, early, undefined, 'all')).toMatchObject({
      rebaseMs: 19_800,
      videoStreamUs: 19.76e6,
      audioStartUs: 210_000,
      discontinuity: true,
    });
    expect(planRun(state, session, early)).toMatchObject({ videoStreamUs: 19.903e6, audioStreamUs: 19.903e6, discontinuity: false });
  });

  test('is one like any other where it is far from there, or its number was told of', () => {
    expect(planRun(state, session, startAt(20_700))).toMatchObject({ videoStreamUs: 20e6, discontinuity: true });
    const told = { sequence: 9, passed: -1, likewise: true, known: true };
    expect(planRun(state, session, startAt(20_020, 20_087), told)).toMatchObject({ mediaSequence: 10, videoStreamUs: 22e6 });
  });
});

describe('a run behind parts that players know of and nobody stored', () => {
  const state = after(-107, 8e6, 10e6);

  test.each([
    ['announced by this process', state, { sequence: 9, passed: -1, likewise: true, known: true }],
    ['perhaps announced by one that died', { ...state, unsettled: 2 }, { sequence: -1, passed: -1, likewise: true, known: false }],
  ])('leaves their number and its time to a gap: %s', (_what, known, announced) => {
    expect(planRun(known, session, startAt(12_000), announced)).toMatchObject({ mediaSequence: 10, videoStreamUs: 12e6, discontinuity: true });
  });

  test('makes their segment again where it continues what is stored', () => {
    expect(planRun({ ...state, unsettled: 2 }, session, startAt(9_000), { sequence: 9, passed: -1, likewise: true, known: true })).toMatchObject({
      mediaSequence: 9,
      videoStreamUs: 10e6,
      discontinuity: false,
    });
  });

  test('makes it again where it was made, when others were left out before it', () => {
    const announced = { sequence: 11, passed: 10, likewise: true, known: true };
    expect(planRun(state, session, startAt(9_000), announced)).toMatchObject({ mediaSequence: 11, videoStreamUs: 14e6, discontinuity: false });
  });

  test('leaves out what two that died may have told of: the second may have begun behind the first', () => {
    const announced = { sequence: -1, passed: -1, likewise: false, known: false };
    expect(planRun({ ...state, unsettled: 2 }, session, startAt(9_000), announced)).toMatchObject({ mediaSequence: 9, videoStreamUs: 10e6 });
    expect(planRun({ ...state, unsettled: 3 }, session, startAt(9_000), announced)).toMatchObject({
      mediaSequence: 11,
      videoStreamUs: 14e6,
      discontinuity: false,
    });
  });

  test('leaves it out, and its time, when it would be coded in another way', () => {
    expect(planRun(state, session, startAt(9_000), { sequence: 9, passed: -1, likewise: false, known: true })).toMatchObject({
      ...{ mediaSequence: 10, videoStreamUs: 12e6, audioStreamUs: 12e6, offsetMs: -107, gridPhaseUs: 0, discontinuity: false },
      videoStartUs: 12e6 - (9_000 - 107) * 1000,
    });
    expect(planRun(state, session, startAt(9_000), { sequence: 8, passed: -1, likewise: false, known: true })).toMatchObject({
      mediaSequence: 9,
      videoStreamUs: 10e6,
    });
  });

  test('what was announced and stored is no gap', () => {
    expect(planRun(state, session, startAt(10_900), { sequence: 8, passed: -1, likewise: true, known: true })).toMatchObject({
      mediaSequence: 9,
      videoStreamUs: 10e6,
    });
  });
});

describe('a run behind media that is missing', () => {
  /** Stored up to 10.107 s of the session. */
  const state = after(-107, 8e6, 10e6);

  test.each([
    [0.9, 9, 10e6],
    [1.1, 10, 12e6],
    [2, 10, 12e6],
    [9.3, 14, 20e6],
    [86_400, 9 + 1800, 10e6 + 3600e6],
  ])('of %p s begins so much later, to the next segment', (seconds, mediaSequence, videoStreamUs) => {
    const run = planRun(state, session, startAt(10_107 + seconds * 1000));
    expect(run).toMatchObject({ mediaSequence, videoStreamUs, audioStreamUs: videoStreamUs, gridPhaseUs: 0, discontinuity: true });
    // Wall clock of what is shown, whatever the gap.
    expect(programDateTime(session, run.offsetMs, run.videoStreamUs)).toBe(session.startedAtMs + 10_107 + seconds * 1000);
  });

  test('leaves out at least what somebody may have told of', () => {
    const announced = { sequence: 11, passed: -1, likewise: false, known: true };
    expect(planRun(state, session, startAt(14_107), announced)).toMatchObject({ mediaSequence: 12, videoStreamUs: 16e6 });
    expect(planRun(state, session, startAt(20_107), announced)).toMatchObject({ mediaSequence: 14, videoStreamUs: 20e6 });
  });

  test('of another session is not counted: their times are not one', () => {
    const other = { ...session, sessionId: 's2' };
    const taken = { ...state, active: { sessionId: 's2', continues: ['s1'] } };
    expect(planRun(taken, other, startAt(20_107))).toMatchObject({ mediaSequence: 9, videoStreamUs: 10e6 });
  });
});

describe('a run of a new session', () => {
  const later = { ...session, sessionId: 's2', startedAtMs: session.startedAtMs + 60_000 };

  test('starts on the next grid point, behind a discontinuity', () => {
    expect(planRun(after(0, 10e6, 11.3e6), later, startAt(0, 80))).toMatchObject({
      videoStreamUs: 12e6,
      offsetMs: 11_920,
      discontinuity: true,
      mediaSequence: 9,
    });
  });

  test('an end on the grid is followed without a hole; sound that reaches over it is not overlapped', () => {
    expect(planRun(after(0, 8e6, 10e6, 10.011e6), later, startAt(0))).toMatchObject({
      videoStreamUs: 10e6,
      audioStreamUs: 10.011e6,
      videoStartUs: 0,
      audioStartUs: 11_000,
    });
  });

  test('wall clock follows the session', () => {
    const plan = planRun(after(0, 8e6, 10e6), later, startAt(0, 80));
    expect(programDateTime(later, plan.offsetMs, plan.videoStreamUs)).toBe(later.startedAtMs + 80);
  });
});
