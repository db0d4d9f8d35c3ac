/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeFlvHeader, encodeTag, tagType, type FlvTag } from '#core/flv';
import { segmentToTs } from '#core/mpegts';
import { enhancedSource } from '../../test/interop/enhanced-source.ts';
import { flvSource } from './testing/flv-source.ts';
import { beginnings, hlsFolder, probe } from './testing/hls-folder.ts';
import { MediaScene } from './testing/media-scene.ts';
import { joinedBytes, PublishedStream, until, type Segment } from './testing/published-stream.ts';
import { watchAudio } from './testing/watch.ts';

const run = promisify(execFile);
const source = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('carried')));
afterEach(() => scene.close());

async function publish(tags: readonly FlvTag[], ladder: Parameters<PublishedStream['create']>[0], speed = 1): Promise<void> {
  await scene.stream.create(ladder);
  // What is published is sent in real time from its first moment on.
  await scene.startMedia();
  scene.relay.open('s1', tags, speed);
  await scene.stream.start('s1', scene.relay.url);
}

async function carry(tags: readonly FlvTag[], ladder: Parameters<PublishedStream['create']>[0] = [source], speed = 1): Promise<void> {
  await publish(tags, ladder, speed);
  await scene.sourceEnded();
}

const times = (segments: readonly Segment[]): number[][] => segments.map(({ startUs, durationUs }) => [startUs / 1e6, durationUs / 1e6]);

/** One checksum for each decoded frame, in the order in which they are shown; or for each coded one. */
async function frames(path: string, map: string, isCoded = false): Promise<string[]> {
  const coded = isCoded ? ['-c', 'copy'] : [];
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, '-map', map, ...coded, '-f', 'framemd5', '-'], { maxBuffer: 1e8 });
  return stdout.split('\n').flatMap((line) => (line.startsWith('#') || line === '' ? [] : [(line.split(',').at(-1) as string).trim()]));
}

async function stored(rendition: string): Promise<string> {
  const path = join(scene.folder, `${rendition}.mp4`);
  await writeFile(path, await joinedBytes(scene.blobs, await scene.stream.segments(rendition)));
  return path;
}

async function published(tags: readonly FlvTag[]): Promise<string> {
  const path = join(scene.folder, 'published.flv');
  await writeFile(path, Buffer.concat([encodeFlvHeader({ audio: true, video: true }), ...tags.map((tag) => encodeTag(tag))]));
  return path;
}

/** The same segments as transport streams, one behind the other, are what was published. */
async function expectTransported(publishedPath: string): Promise<void> {
  const sounds = await scene.stream.segments('audio');
  const path = join(scene.folder, 'joined.ts');
  const pieces: Uint8Array[] = [];
  for (const [n, picture] of (await scene.stream.segments('source')).entries()) {
    const tracks = [picture, sounds[n] as Segment].map(async ({ initCid, cid }) => ({
      init: await scene.blobs.read(initCid),
      segment: await scene.blobs.read(cid),
    }));
    pieces.push(segmentToTs({ mediaSequence: picture.mediaSequence, tracks: await Promise.all(tracks) }));
  }
  await writeFile(path, Buffer.concat(pieces));
  const { complaints, streams, duration } = await probe(path);
  expect([complaints, streams.map(({ codec_name, packets }) => [codec_name, packets])]).toEqual([
    '',
    [
      ['h264', 210],
      ['aac', (await frames(await stored('audio'), '0:a:0', true)).length],
    ],
  ]);
  expect(duration).toBeCloseTo(7, 1);
  expect(await frames(path, '0:v:0')).toEqual(await frames(publishedPath, '0:v:0'));
}

describe('a source that is its own rendition', () => {
  test('becomes segments without an encoder: every frame decodes to what was published, with B-frames, in sync', async () => {
    const tags = await flvSource({ folder: scene.folder, seconds: 7 });
    await carry(tags);
    // No process was ever started.
    expect((await readdir(join(scene.folder, 'run'))).filter((name) => name.startsWith('child-'))).toEqual([]);
    const [started] = await scene.data('encoding.started');
    expect(started).toMatchObject({
      encoder: 'none',
      renditions: [
        { name: 'source', width: 320, height: 180 },
        { name: 'audio', codecs: 'mp4a.40.2' },
      ],
    });
    const segments = await scene.stream.segments('source');
    expect(times(segments)).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 1],
    ]);
    const path = await published(tags);
    expect(await frames(await stored('source'), '0:v:0')).toEqual(await frames(path, '0:v:0'));
    const sound = await frames(await stored('audio'), '0:a:0', true);
    const before = await frames(path, '0:a:0', true);
    // What is heard before the first picture is left out.
    expect(before.length - sound.length).toBeLessThan(5);
    expect(sound).toEqual(before.slice(before.length - sound.length));
    const renditions = (started?.['renditions'] ?? []) as Parameters<typeof hlsFolder>[2];
    const master = await hlsFolder(scene.folder, scene.blobs, renditions, await scene.stream.segments());
    const { complaints, streams, duration } = await probe(master);
    expect(complaints).toBe('');
    expect(duration).toBeCloseTo(7, 1);
    // The first picture is shown 67 ms after it is decoded.
    expect(await beginnings(master)).toEqual({ video: 0, audio: expect.closeTo(0, 1.7) });
    expect(streams.find(({ codec_name }) => codec_name === 'h264')?.packets).toBe(210);
    await expectTransported(path);
  }, 120_000);

  test.each([
    ['hvc1', ['-c:v', 'libx265', '-preset', 'ultrafast', '-g', '60', '-x265-params', 'log-level=none:bframes=2:scenecut=0'], 'hevc', 'Opus', 'libopus'],
    ['av01', ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '60', '-b:v', '200k'], 'av1', '.mp3', 'libmp3lame'],
  ])(
    'in %s is carried, too, with its sound',
    async (fourCc, encode, codec, audioFourCc, audioEncoder) => {
      const tags = await enhancedSource({
        folder: scene.folder,
        seconds: 5,
        video: { fourCc, encode },
        audio: { fourCc: audioFourCc, encode: ['-c:a', audioEncoder] },
      });
      await carry(tags);
      const [started] = await scene.data('encoding.started');
      expect(started).toMatchObject({ encoder: 'none', source: { videoCodec: codec } });
      expect((await frames(await stored('source'), '0:v:0')).length).toBeGreaterThanOrEqual(149);
      expect((await frames(await stored('audio'), '0:a:0')).length).toBeGreaterThan(150);
    },
    120_000,
  );

  test.each([
    ['as it is', source, 'none'],
    ['encoded', { name: '90p', height: 90, videoBitrate: 100_000 }, 'libx264'],
  ])(
    'whose sound comes late and pauses goes out at once and without a break, %s',
    async (_how, rung, encoder) => {
      const isHeard = ({ type, timestampMs, body }: FlvTag): boolean =>
        type !== tagType.audio || body[1] === 0 || (timestampMs > 4000 && timestampMs < 6000) || timestampMs > 20_000;
      await carry((await flvSource({ folder: scene.folder, seconds: 24, groupFrames: 60 })).filter(isHeard), [rung], 3);
      expect((await scene.data('encoding.started')).map((one) => one['encoder'])).toEqual([encoder]);
      expect(await scene.data('encoding.adapted')).toEqual([]);
      const sounds = await scene.stream.segments('audio');
      const pictures = await scene.stream.segments(rung.name);
      expect(pictures.length).toBeGreaterThanOrEqual(12);
      expect(sounds.map(({ mediaSequence, discontinuity }) => [mediaSequence, discontinuity])).toEqual(pictures.map((_, n) => [n, false]));
      for (const [n, { startUs }] of sounds.entries()) expect(Math.abs(startUs - (pictures[n] as Segment).startUs)).toBeLessThan(30_000);
      const { complaints } = await probe(await stored('audio'));
      expect(complaints).toBe('');
    },
    120_000,
  );

  const isSeen = ({ type, timestampMs, body }: FlvTag): boolean => type !== tagType.video || body[1] === 0 || timestampMs < 5000 || timestampMs > 19_000;

  test('whose picture pauses for long goes on with its newest key frame, without a break or an encoder, and says so once', async () => {
    await carry((await flvSource({ folder: scene.folder, seconds: 24, groupFrames: 60 })).filter(isSeen), [source], 3);
    expect((await scene.data('encoding.started')).map(({ encoder }) => encoder)).toEqual(['none']);
    expect((await scene.data('encoding.ended')).map(({ reason }) => reason)).toEqual(['source-ended']);
    const adapted = await scene.data('encoding.adapted');
    expect(adapted.map(({ step, direction }) => [step, direction])).toEqual([
      ['picture', 'down'],
      ['picture', 'up'],
    ]);
    const pictures = await scene.stream.segments('source');
    const sounds = await scene.stream.segments('audio');
    expect(times(pictures)).toEqual(Array.from({ length: 12 }, (_, n) => [n * 2, 2]));
    for (const [n, { startUs, durationUs }] of sounds.entries()) {
      expect(durationUs).toBeLessThan(2.05e6);
      expect(Math.abs(startUs - (pictures[n] as Segment).startUs)).toBeLessThan(30_000);
    }
    expect([...pictures, ...sounds].every(({ discontinuity }) => !discontinuity)).toBe(true);
    // It is what a decoder takes: every frame of it, and of the sound.
    for (const rendition of ['source', 'audio']) expect((await probe(await stored(rendition))).complaints).toBe('');
    const picture = await frames(await stored('source'), '0:v:0');
    // Five seconds and four of pictures; between them two stills a second.
    expect(picture).toHaveLength(9 * 30 + 14 * 2);
    // At the second 10 the picture of the second 4 is shown.
    const { stdout } = await run('ffmpeg', ['-v', 'error', '-ss', '9.6', '-i', await stored('source'), '-frames:v', '1', '-f', 'framemd5', '-']);
    expect(stdout.trim().split(',').at(-1)?.trim()).toBe(picture[120]);
  }, 120_000);

  test('whose picture ends before its sound goes on with its newest key frame to the end, in one run', async () => {
    const tags = await flvSource({ folder: scene.folder, seconds: 11, groupFrames: 60 });
    const isSent = ({ type, timestampMs, body }: FlvTag): boolean => type !== tagType.video || body[1] === 0 || timestampMs < 5000;
    await carry(tags.filter(isSent), [source], 3);
    expect((await scene.data('encoding.started')).map(({ encoder }) => encoder)).toEqual(['none']);
    const [pictures, sounds] = [await scene.stream.segments('source'), await scene.stream.segments('audio')];
    expect(sounds.map(({ mediaSequence }) => mediaSequence)).toEqual(pictures.map(({ mediaSequence }) => mediaSequence));
    const endOf = ({ startUs, durationUs }: Segment): number => startUs + durationUs;
    expect(Math.abs(endOf(pictures.at(-1) as Segment) - endOf(sounds.at(-1) as Segment))).toBeLessThan(50_000);
  }, 120_000);

  test('whose picture comes long after its sound is heard from its beginning, and seen from its first key frame on; nothing is missing between', async () => {
    const tags = await flvSource({ folder: scene.folder, seconds: 16, groupFrames: 60 });
    await publish(
      tags.filter(({ type, timestampMs, body }) => type !== tagType.video || body[1] === 0 || timestampMs > 8300),
      [source],
      2,
    );
    await until('both runs ended', async () => (await scene.data('encoding.ended')).length === 2);
    expect((await scene.data('encoding.started')).map(({ encoder }) => encoder)).toEqual(['none', 'none']);
    expect(await scene.data('encoding.adapted')).toEqual([]);
    const sounds = await scene.stream.segments('audio');
    const pictures = await scene.stream.segments('source');
    expect(sounds.map(({ mediaSequence }) => mediaSequence)).toEqual(sounds.map((_, n) => n));
    // The picture is there from its first key frame, which is 10 s from the beginning.
    expect((pictures[0] as Segment).discontinuity).toBe(true);
    expect((pictures[0] as Segment).programDateTimeMs - (sounds[0] as Segment).programDateTimeMs).toBeCloseTo(10_000, -2);
    for (const [n, { startUs, durationUs }] of sounds.entries()) {
      const before = sounds[n - 1];
      if (before !== undefined) expect(Math.abs(startUs - before.startUs - before.durationUs)).toBeLessThan(30_000);
      expect(durationUs).toBeLessThan(2.5e6);
      expect(durationUs).toBeGreaterThan(90_000);
    }
    expect(sounds.reduce((us, { durationUs }) => us + durationUs, 0)).toBeGreaterThan(15.8e6);
  }, 120_000);

  const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };
  /** Until then, and again from 19 to 23 s: with the sound alone it ends. */
  const isSeenUntil =
    (untilMs: number) =>
    ({ type, timestampMs, body }: FlvTag): boolean =>
      type !== tagType.video || body[1] === 0 || timestampMs < untilMs || (timestampMs > 19_000 && timestampMs < 23_000);

  /** Not a frame of the sound is missing or there twice. */
  async function expectAllSound(sounds: readonly Segment[]): Promise<void> {
    expect(sounds.map(({ mediaSequence }) => mediaSequence)).toEqual(sounds.map((_, n) => n));
    const ends = [(sounds[0] as Segment).startUs, ...sounds.map(({ startUs, durationUs }) => startUs + durationUs)];
    const holes = sounds.map(({ startUs }, n) => startUs - (ends[n] as number));
    expect(Math.max(...holes.map(Math.abs))).toBeLessThan(2);
    const { marks, complaints } = await watchAudio(await joinedBytes(scene.blobs, sounds), join(scene.folder, 'heard.mp4'));
    expect([complaints, marks.length]).toEqual(['', 28]);
    marks.forEach((mark, n) => expect(Math.abs(mark - n - (marks[0] as number))).toBeLessThan(0.03));
  }

  test.each([
    ['within a segment', 5000],
    ['where a segment ends', 5990],
  ])(
    'whose picture pauses for long, encoded, goes on with its newest key frame without a break: %s',
    async (_where, untilMs) => {
      await publish((await flvSource({ folder: scene.folder, seconds: 28, groupFrames: 60 })).filter(isSeenUntil(untilMs)), [encoded], 3);
      await scene.sourceEnded();
      expect((await scene.data('encoding.started')).map(({ encoder }) => encoder)).toEqual(['libx264']);
      expect((await scene.data('encoding.adapted')).map(({ step, direction }) => [step, direction])).toEqual([
        ['picture', 'down'],
        ['picture', 'up'],
        ['picture', 'down'],
      ]);
      const [pictures, sounds] = [await scene.stream.segments('90p'), await scene.stream.segments('audio')];
      expect(times(pictures).slice(0, 13)).toEqual(Array.from({ length: 13 }, (_, n) => [n * 2, 2]));
      expect(pictures).toHaveLength(14);
      expect([...pictures, ...sounds].every(({ discontinuity }) => !discontinuity)).toBe(true);
      for (const [n, { startUs }] of sounds.entries()) expect(Math.abs(startUs - (pictures[n] as Segment).startUs)).toBeLessThan(30_000);
      expect((await probe(await stored('90p'))).complaints).toBe('');
      await expectAllSound(sounds);
    },
    120_000,
  );

  test('whose picture pauses for long, carried beside one that is encoded, is heard all the while, and seen again from its next key frame on', async () => {
    await publish((await flvSource({ folder: scene.folder, seconds: 28, groupFrames: 60 })).filter(isSeenUntil(5000)), [source, encoded], 3);
    const reasons = async (): Promise<unknown[]> => (await scene.data('encoding.ended')).map(({ reason }) => reason);
    // The last one is of the sound that goes on when the picture has ended.
    await until('the last of four runs ended', async () => (await reasons()).length === 4);
    expect(await reasons()).toEqual(['source-ended', 'source-ended', 'source-ended', 'source-ended']);
    expect(await scene.data('encoding.adapted')).toEqual([]);
    const sounds = await scene.stream.segments('audio');
    for (const name of ['source', '90p']) {
      const pictures = await scene.stream.segments(name);
      const begun = (pictures[0] as Segment).programDateTimeMs;
      expect(pictures.map(({ programDateTimeMs, discontinuity }) => [programDateTimeMs - begun, discontinuity])).toEqual([
        [0, false],
        [2000, false],
        [4000, false],
        [20_000, true],
        [22_000, false],
      ]);
      // Picture and sound are in step, and no segment is longer than a target duration of 2 s allows.
      for (const { mediaSequence, startUs } of pictures) expect(Math.abs(startUs - (sounds[mediaSequence] as Segment).startUs)).toBeLessThan(120_000);
      expect(Math.max(...[...sounds, ...pictures].map(({ durationUs }) => durationUs))).toBeLessThan(2_450_000);
    }
    await expectAllSound(sounds);
  }, 120_000);

  test('saves an encode beside encoded rungs, which begin at the same key frames', async () => {
    await carry(await flvSource({ folder: scene.folder, seconds: 5 }), [source, { name: '90p', height: 90, videoBitrate: 100_000 }]);
    const [started] = await scene.data('encoding.started');
    expect(started).toMatchObject({ encoder: 'libx264', renditions: [{ name: 'source' }, { name: '90p' }, { name: 'audio' }] });
    expect(times(await scene.stream.segments('source'))).toEqual(times(await scene.stream.segments('90p')));
    expect(await scene.data('encoding.adapted')).toEqual([]);
  }, 120_000);

  test('comes evenly only while somebody plays at the live edge or a second publisher is there; else when it makes a segment', async () => {
    await scene.stream.create([source]);
    const tags = await flvSource({ folder: scene.folder, seconds: 12 });
    scene.relay.open('s1', tags);
    await scene.stream.start('s1', scene.relay.url);
    await scene.startMedia();
    const asked = (): string => scene.relay.gathered.map(([session, ms]) => `${session} ${ms === 0 ? 'at once' : 'later'}`).join();
    await until('nobody plays', () => asked() === 's1 later');
    const [{ liveEdgeUrl = '' } = {}] = (await scene.data('encoding.started')) as Array<{ liveEdgeUrl?: string }>;
    const viewer = new AbortController();
    const playing = await fetch(`${liveEdgeUrl}?session=s1`, { signal: viewer.signal });
    expect(playing.status).toBe(200);
    await until('somebody plays', () => asked() === 's1 later,s1 at once');
    viewer.abort();
    await until('nobody plays any more', () => asked() === 's1 later,s1 at once,s1 later');
    scene.relay.open('s2', tags);
    await scene.stream.join('s2', scene.relay.url);
    await until('a second publisher joins', () => asked() === 's1 later,s1 at once,s1 later,s1 at once');
  }, 120_000);

  test('is encoded evenly', async () => {
    await carry(await flvSource({ folder: scene.folder, seconds: 3 }), [source, { name: '90p', height: 90, videoBitrate: 100_000 }]);
    expect(scene.relay.gathered).toEqual([]);
  }, 120_000);

  test('tells of no live edge where a stream is to have none', async () => {
    await scene.stream.create([source], { lowLatency: false });
    scene.relay.open('s1', await flvSource({ folder: scene.folder, seconds: 3 }));
    await scene.stream.start('s1', scene.relay.url);
    await scene.startMedia();
    await until('a segment', async () => (await scene.stream.segments('source')).length > 0);
    expect((await scene.data('encoding.started')).map(({ liveEdgeUrl }) => liveEdgeUrl)).toEqual([undefined]);
  }, 120_000);

  test('whose key frames are too far apart is encoded, and the log says why; nothing is lost', async () => {
    await carry(await flvSource({ folder: scene.folder, seconds: 8, groupFrames: 240 }));
    const [adapted] = await scene.data('encoding.adapted');
    expect(adapted).toMatchObject({ step: 'pass-through', direction: 'down', detail: expect.stringContaining('key frames') });
    expect((await scene.data('encoding.ended')).map(({ reason, restartInMs }) => [reason, restartInMs])).toEqual([
      ['not-carried', 0],
      ['source-ended', undefined],
    ]);
    const segments = await scene.stream.segments('source');
    expect(segments.map(({ durationUs }) => durationUs)).toEqual([2e6, 2e6, 2e6, 2e6]);
    segments.forEach(({ startUs }, n) => expect(startUs).toBe((segments[0] as Segment).startUs + n * 2e6));
  }, 120_000);

  test('is continued by a successor with the key frame that comes next, without a break', async () => {
    await scene.stream.create([source]);
    scene.relay.open('s1', await flvSource({ folder: scene.folder, seconds: 11, groupFrames: 30 }));
    await scene.stream.start('s1', scene.relay.url);
    const first = await scene.startMedia({ owner: 'node-1/media-1' });
    await until('two segments', async () => (await scene.stream.segments('source')).length >= 2);
    await first.stop();
    await scene.startMedia({ owner: 'node-1/media-2' });
    await until('the source ended', async () => (await scene.data('encoding.ended')).some(({ reason }) => reason === 'source-ended'));
    const segments = await scene.stream.segments('source');
    expect(segments.map(({ mediaSequence }) => mediaSequence)).toEqual(segments.map((_, n) => n));
    // Where the relay's group of pictures reaches back to the last cut nothing is missing; else a break is told.
    for (const [n, segment] of segments.entries()) {
      const before = segments[n - 1];
      if (before !== undefined && !segment.discontinuity) expect(segment.startUs).toBe(before.startUs + before.durationUs);
    }
  }, 120_000);
});
