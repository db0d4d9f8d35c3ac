/** @needs ffmpeg */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { encodeAmf0Script, tagType, type FlvTag } from '#core/flv';
import { pause } from '#runtime';
import { firstShownMs, flvSource } from './testing/flv-source.ts';
import { MediaScene } from './testing/media-scene.ts';
import { until } from './testing/published-stream.ts';

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('time-zero')));
afterEach(() => scene.close());

const carried = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };
const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };

/** How long nothing comes of a publisher that is there, ms. */
const waitsMs = 1200;

/** What each segment says that the clock showed at its session's time zero, as far as its session began the stream's timeline. */
async function clocks(): Promise<number[]> {
  return (await scene.stream.segments()).map(({ programDateTimeMs, startUs }) => programDateTimeMs - Math.floor(startUs / 1000));
}

test.each([
  ['carried', carried],
  ['encoded', encoded],
])(
  'what is %s tells the time of when its first frame came, over another packager, and so do its markers',
  async (_how, rung) => {
    await scene.stream.create([rung]);
    const cue: FlvTag = { type: tagType.script, timestampMs: 1500, body: encodeAmf0Script('onCuePoint', { name: 'goal' }) };
    const tags = (await flvSource({ folder: scene.folder, seconds: 12 })).concat(cue).toSorted((a, b) => a.timestampMs - b.timestampMs);
    const first = await scene.startMedia({ owner: 'node-1/media-1' });
    await scene.stream.start('s1', scene.relay.url);
    await pause(waitsMs);
    const zeroMs = scene.relay.open('s1', tags);
    await until('segments', async () => (await scene.stream.segments(rung.name)).length >= 2);
    await first.stop();
    await scene.startMedia({ owner: 'node-2/media-2' });
    await scene.sourceEnded();
    const segments = await scene.stream.segments(rung.name);
    expect(segments.map(({ mediaSequence, discontinuity }) => [mediaSequence, discontinuity])).toEqual(segments.map((_, n) => [n, false]));
    expect(segments.reduce((sum, { durationUs }) => sum + durationUs, 0) / 1e6).toBeCloseTo(12, 1);
    expect(new Set(await clocks())).toEqual(new Set([zeroMs + firstShownMs(tags)]));
    expect((await scene.data('encoding.started')).map(({ startedAtMs }) => startedAtMs)).toEqual([zeroMs, zeroMs]);
    expect((await scene.data('stream.marked')).map(({ startMs }) => startMs)).toEqual([zeroMs + 1500]);
  },
  120_000,
);

test('a publisher that comes back, or goes over to another node, never makes the time go back', async () => {
  await scene.stream.create([carried]);
  const tags = await flvSource({ folder: scene.folder, seconds: 5 });
  await scene.startMedia();
  const [t0, behindMs, laterMs, shown] = [Date.now(), 700, 60_000, firstShownMs(tags)];
  // The second one's first frame came before the end of the first one's media, as this one's clock or its pace has it; the third is away for a while.
  for (const [n, zeroMs] of [t0, t0 + 5000 - behindMs, t0 + laterMs].entries()) {
    const sessionId = `s${n}`;
    scene.relay.open(sessionId, tags, 1, zeroMs);
    await scene.stream.start(sessionId, scene.relay.url);
    await until('the source ended', async () => (await scene.data('encoding.ended')).filter(({ reason }) => reason === 'source-ended').length === n + 1);
    await scene.stream.interrupt(sessionId);
  }
  const segments = await scene.stream.segments('source');
  const begins = segments.filter(({ discontinuity, mediaSequence }) => discontinuity || mediaSequence === 0).map((one) => one.programDateTimeMs);
  const last = Math.max(...segments.filter(({ sessionId }) => sessionId === 's0').map((one) => one.programDateTimeMs + Math.ceil(one.durationUs / 1000)));
  const heard = (await scene.stream.segments('audio')).filter(({ sessionId }) => sessionId === 's0');
  const lastHeard = Math.max(...heard.map((one) => one.programDateTimeMs + Math.ceil(one.durationUs / 1000)));
  expect(begins).toEqual([t0 + shown, Math.max(last, lastHeard), t0 + laterMs + shown]);
}, 120_000);
