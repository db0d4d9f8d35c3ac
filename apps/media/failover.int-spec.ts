/** @needs ffmpeg */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { flvSource } from './testing/flv-source.ts';
import { MediaScene } from './testing/media-scene.ts';
import { joinedBytes, PublishedStream, until } from './testing/published-stream.ts';
import { watchAudio, watchVideo } from './testing/watch.ts';

const ladder: Parameters<PublishedStream['create']>[0] = [{ name: '180p', height: 180, videoBitrate: 300_000 }];

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('failover')));
afterEach(() => scene.close());

/** Two encoders of one programme, a flash and a beep each second. */
async function publishBoth(seconds: number, rungs = ladder): Promise<void> {
  await scene.stream.create(rungs);
  const tags = await flvSource({ folder: scene.folder, seconds });
  for (const id of ['p', 'b']) scene.relay.open(id, tags);
  await scene.stream.start('p', scene.relay.url);
  await scene.stream.join('b', scene.relay.url);
}

const segmentsUntil = (us: number) => until(`segments up to ${us / 1e6} s`, async () => ((await scene.stream.segments('180p')).at(-1)?.startUs ?? -1) >= us);
const ended = async (): Promise<string[]> => (await scene.stream.events()).flatMap((event) => (event.type === 'encoding.ended' ? [event.data.reason] : []));

/** One programme from its first second to its last, whoever sent it: no jump, no break, every flash and every beep in its place. */
async function expectOneProgramme(seconds: number): Promise<void> {
  for (const rendition of ['180p', 'audio']) {
    const segments = await scene.stream.segments(rendition);
    expect(segments.map(({ mediaSequence }) => mediaSequence)).toEqual(segments.map((_, n) => n));
    expect(segments.filter(({ discontinuity }) => discontinuity)).toEqual([]);
    const clocks = segments.map(({ programDateTimeMs, startUs }) => programDateTimeMs - Math.floor(startUs / 1000));
    expect(Math.max(...clocks) - Math.min(...clocks)).toBeLessThanOrEqual(1);
    const watch = rendition === 'audio' ? watchAudio : (bytes: Uint8Array, path: string) => watchVideo(bytes, path, 30);
    const { complaints, marks } = await watch(await joinedBytes(scene.blobs, segments), join(scene.folder, `${rendition}.mp4`));
    expect(complaints).toBe('');
    // A packager that came up late has missed the first ones.
    expect(marks.length).toBeGreaterThan(seconds - 5);
    expect(marks.length).toBeLessThanOrEqual(seconds);
    // What the relays' own timers and the arrival here make of one moment.
    marks.forEach((mark, n) => expect(Math.abs(mark - (marks[0] as number) - n)).toBeLessThan(0.25));
  }
}

test('the backup takes over without a break when the primary goes', async () => {
  await publishBoth(11);
  await scene.startMedia();
  await segmentsUntil(2e6);
  scene.relay.close('p');
  await until('it was gone over', async () => (await scene.stream.switches()).length === 1);
  await scene.stream.leave('p');
  await until('the encoders ended', async () => (await ended()).length === 2);
  expect(await scene.stream.switches()).toEqual([['b', 'closed']]);
  expect(await ended()).toEqual(['switched', 'source-ended']);
  await expectOneProgramme(11);
}, 120_000);

test('and when it falls silent; it is gone back to when it is well again, and away from when somebody asks', async () => {
  await publishBoth(24);
  await scene.startMedia();
  await segmentsUntil(2e6);
  scene.relay.hush('p', true);
  await until('silence was noticed', async () => (await scene.stream.switches()).length === 1);
  scene.relay.hush('p', false);
  await until('the primary was gone back to', async () => (await scene.stream.switches()).length === 2);
  await scene.stream.request('backup');
  await until('the wish was done', async () => (await ended()).length === 3);
  scene.relay.close('p');
  await until('the encoders ended', async () => (await ended()).length === 4);
  expect(await scene.stream.switches()).toEqual([
    ['b', 'media-silence'],
    ['p', 'recovered'],
    ['b', 'requested'],
  ]);
  expect(await ended()).toEqual(['switched', 'switched', 'switched', 'source-ended']);
  await expectOneProgramme(24);
}, 120_000);

test('a source that is carried as it is goes over and back at key frames, without a break', async () => {
  await publishBoth(16, [{ name: '180p', height: 2160, videoBitrate: 300_000, passThrough: true }]);
  await scene.startMedia();
  await segmentsUntil(2e6);
  await scene.stream.request('backup');
  await until('it was gone over', async () => (await scene.stream.switches()).length === 1);
  const before = (await scene.stream.segments('180p')).length;
  await until('more segments', async () => (await scene.stream.segments('180p')).length > before + 1);
  await scene.stream.request('primary');
  await until('it was gone back', async () => (await scene.stream.switches()).length === 2);
  scene.relay.close('b');
  await scene.stream.leave('b');
  await until('the encoders ended', async () => (await ended()).length === 3);
  expect(await scene.stream.switches()).toEqual([
    ['b', 'requested'],
    ['p', 'requested'],
  ]);
  const encoders = (await scene.stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event.data.encoder] : []));
  expect(encoders).toEqual(['none', 'none', 'none']);
  const segments = await scene.stream.segments('180p');
  expect(segments.map(({ mediaSequence, discontinuity }) => [mediaSequence, discontinuity])).toEqual(segments.map((_, n) => [n, false]));
  segments.slice(1).forEach(({ startUs }, n) => expect(startUs).toBe((segments[n]?.startUs ?? 0) + (segments[n]?.durationUs ?? 0)));
  const { complaints, marks } = await watchVideo(await joinedBytes(scene.blobs, segments), join(scene.folder, 'carried.mp4'), 30);
  expect(complaints).toBe('');
  expect(marks.length).toBeGreaterThan(11);
  marks.forEach((mark, n) => expect(Math.abs(mark - (marks[0] as number) - n)).toBeLessThan(0.45));
}, 120_000);

test('a source that is carried goes over to key frames at another phase behind a break where players would lose count of its segments', async () => {
  await scene.stream.create([{ name: '180p', height: 2160, videoBitrate: 300_000, passThrough: true }]);
  const tags = await flvSource({ folder: scene.folder, seconds: 24 });
  const begun = performance.now();
  const at = (seconds: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, seconds * 1000 - (performance.now() - begun)));
  scene.relay.open('p', tags);
  await scene.stream.start('p', scene.relay.url);
  await at(1.4);
  scene.relay.open('b', tags);
  await scene.stream.join('b', scene.relay.url);
  await scene.startMedia();
  await segmentsUntil(2e6);
  // Just behind a key frame of the backup.
  await at(1.5 + 2 * Math.ceil((performance.now() - begun) / 2000));
  scene.relay.close('p');
  await scene.stream.leave('p');
  const breaks = async () => (await scene.stream.segments('180p')).filter(({ discontinuity }) => discontinuity);
  await until('it was gone over', async () => (await scene.stream.switches()).length === 1);
  await until('there are segments of it', async () => (await scene.stream.segments('180p')).filter(({ sessionId }) => sessionId === 'b').length >= 3);
  const segments = await scene.stream.segments('180p');
  const first = segments.findIndex(({ sessionId }) => sessionId === 'b');
  expect((await breaks()).map(({ mediaSequence }) => mediaSequence)).toEqual([first]);
  // Cut short in its second half, gone on there, and as long as ever from then on; not a frame is missing or there twice.
  expect((segments[first - 1]?.durationUs ?? 0) / 1e6).toBeGreaterThan(1);
  expect(segments.map(({ mediaSequence }) => mediaSequence)).toEqual(segments.map((_, n) => n));
  segments.slice(1).forEach(({ startUs }, n) => expect(startUs).toBe((segments[n]?.startUs ?? 0) + (segments[n]?.durationUs ?? 0)));
  segments.slice(first).forEach(({ durationUs }) => expect(durationUs).toBe(2_000_000));
}, 120_000);

test('a packager that starts after the primary went begins with the backup', async () => {
  await publishBoth(6);
  scene.relay.close('p');
  await scene.stream.leave('p');
  await scene.startMedia();
  await until('the encoder ended', async () => (await ended()).length === 1);
  expect(await scene.stream.switches()).toEqual([['b', 'closed']]);
  expect((await scene.stream.segments('180p')).length).toBeGreaterThan(0);
}, 120_000);
