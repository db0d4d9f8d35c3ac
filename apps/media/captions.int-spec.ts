/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cueNameOf, encodeAmf0, encodeAmf0Script, FlvReader, tagType, type FlvTag } from '#core/flv';
import { renderMedia } from '#core/hls';
import { captioned, flvFile, spokenEvery2s } from '../../test/interop/captioned-source.ts';
import { enhancedSource } from '../../test/interop/enhanced-source.ts';
import { flvSource } from './testing/flv-source.ts';
import { MediaScene } from './testing/media-scene.ts';
import { joinedBytes, until, type Segment } from './testing/published-stream.ts';

const run = promisify(execFile);
const source = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };
const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('captions')));
afterEach(() => scene.close());

interface Cue {
  /** Seconds of the stream's timeline. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What a channel's segments hold, each read for itself. */
async function cuesOf(segments: readonly Segment[], channel: string): Promise<Cue[]> {
  const seconds = (stamp: string): number => stamp.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const texts = await Promise.all(
    segments
      .flatMap(({ captions = [] }) => captions.filter((one) => one.channel === channel))
      .map(async ({ cid }) => Buffer.from(await scene.blobs.read(cid)).toString()),
  );
  return texts.flatMap((text) =>
    [...text.matchAll(/^([\d:.]+) --> ([\d:.]+) .*\n((?:.+\n)+)/gm)].map(([, start = '', end = '', words = '']) => ({
      start: seconds(start),
      end: seconds(end),
      text: words.trim(),
    })),
  );
}

/** The same words by ffmpeg's own decoder of CEA-608. */
async function ffmpegWords(bytes: Uint8Array, extension: string): Promise<string[]> {
  const path = join(scene.folder, `judged.${extension}`);
  await writeFile(path, bytes);
  const argv = ['-v', 'error', '-f', 'lavfi', '-i', `movie=${path}[out+subcc]`, '-map', '0:1', '-f', 'srt', '-'];
  const { stdout } = await run('ffmpeg', argv);
  return [...stdout.matchAll(/Sentence \d+/g)].map(([words]) => words);
}

/** The playlist of a channel as the gateway renders it, read by ffmpeg's demuxer of WebVTT in HLS. */
async function hlsWords(segments: readonly Segment[], channel: string): Promise<string> {
  const live = join(scene.folder, 'live', 'st');
  const media = join(scene.folder, 'media');
  await Promise.all([mkdir(live, { recursive: true }), mkdir(media, { recursive: true })]);
  const cidOf = (one: Segment): string => one.captions?.find((own) => own.channel === channel)?.cid ?? '';
  for (const segment of segments) if (cidOf(segment) !== '') await writeFile(join(media, `${cidOf(segment)}.vtt`), await scene.blobs.read(cidOf(segment)));
  const captionsOf = ({ mediaSequence }: { readonly mediaSequence: number }): string =>
    `../../media/${cidOf(segments.find((one) => one.mediaSequence === mediaSequence) as Segment)}.vtt`;
  const path = join(live, `${channel}.captions.m3u8`);
  await writeFile(path, renderMedia({ segments, targetDurationSec: 2, discontinuitySequence: 0, ended: true, captionsOf }));
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, '-f', 'srt', '-']);
  return stdout;
}

const said = (cues: readonly Cue[]): string[] => [...new Set(cues.map(({ text }) => text))];

describe('cue points of an encoder', () => {
  test('become markers of the publisher in use, where they stand in its time; what cannot be read is told with its reason', async () => {
    const tags = await flvSource({ folder: scene.folder, seconds: 12, groupFrames: 30 });
    const cue = (timestampMs: number, body: Uint8Array): FlvTag => ({ type: tagType.script, timestampMs, body });
    const said = (timestampMs: number, name: string): FlvTag => cue(timestampMs, encodeAmf0Script('onCuePoint', { name, parameters: { duration: 30 } }));
    const withCues = [...tags, said(3000, 'first'), said(9000, 'second'), cue(4000, encodeAmf0('onTextData'))].toSorted(
      (a, b) => a.timestampMs - b.timestampMs,
    );
    await scene.stream.create([source]);
    // Cues are for those who read when they are said.
    await scene.startMedia();
    const zeroMs = scene.relay.open('s1', withCues);
    scene.relay.open(
      's2',
      withCues.map((one) => (cueNameOf(one.body) === undefined ? one : said(one.timestampMs, 'of the other'))),
    );
    await scene.stream.start('s1', scene.relay.url);
    await scene.stream.join('s2', scene.relay.url);
    await until(
      'all cues are told',
      async () => (await scene.stream.events()).filter(({ type }) => type === 'stream.marked' || type === 'stream.cue-refused').length >= 3,
    );
    const events = await scene.stream.events();
    const markers = events.flatMap((event) => (event.type === 'stream.marked' ? [event.data] : []));
    expect(markers.map(({ startMs, attributes, plannedDurationMs, origin }) => [startMs - zeroMs, attributes[0]?.value, plannedDurationMs, origin])).toEqual([
      [3000, 'first', 30_000, 'publisher'],
      [9000, 'second', 30_000, 'publisher'],
    ]);
    expect(new Set(markers.map(({ markerId }) => markerId)).size).toBe(2);
    const refused = events.flatMap((event) => (event.type === 'stream.cue-refused' ? [event.data] : []));
    expect(refused).toMatchObject([{ cue: 'onTextData', reason: 'malformed', detail: 'It says nothing.', refused: 1 }]);
  }, 120_000);
});

describe('captions within the picture', () => {
  test('become WebVTT beside each segment, carried or encoded, in the order of showing; ffmpeg reads the same words', async () => {
    const tags = captioned(await flvSource({ folder: scene.folder, seconds: 9 }), spokenEvery2s(9));
    expect((await ffmpegWords(flvFile(tags), 'flv')).slice(0, 3)).toEqual(['Sentence 0', 'Sentence 1', 'Sentence 2']);
    await scene.stream.create([source, encoded]);
    await scene.startMedia();
    scene.relay.open('s1', tags);
    await scene.stream.start('s1', scene.relay.url);
    await scene.sourceEnded();
    const [carried, small] = [await scene.stream.segments('source'), await scene.stream.segments('90p')];
    expect(carried.map(({ captions = [] }) => captions.map(({ channel }) => channel))).toEqual(carried.map(() => ['cc1', 'cc3']));
    expect(small.map(({ captions }) => captions)).toEqual(carried.map(({ captions }) => captions));
    expect((await scene.stream.segments('audio')).every(({ captions }) => captions === undefined)).toBe(true);
    const cues = await cuesOf(carried, 'cc1');
    expect(said(cues)).toEqual(['Sentence 0', 'Sentence 1', 'Sentence 2', 'Sentence 3']);
    // Each is loaded with one pair a frame, and shown until the next.
    for (const { start, end, text } of cues) {
      const from = Number(text.split(' ')[1]) * 2 + (cues[0]?.start ?? 0);
      expect(start).toBeGreaterThanOrEqual(from - 0.1);
      if (text !== 'Sentence 3') expect(end).toBeLessThanOrEqual(from + 2.1);
    }
    // None reaches beyond its segment, and the next goes on where it ended.
    const inside = await Promise.all(carried.map(async (segment) => [segment, await cuesOf([segment], 'cc1')] as const));
    for (const [{ startUs, durationUs }, own] of inside)
      for (const { start, end } of own) expect([start * 1e6 >= startUs - 1000, end * 1e6 <= startUs + durationUs + 1000]).toEqual([true, true]);
    expect(said(await cuesOf(carried, 'cc3')).at(-1)).toBe('Frase 2\nFrase 3');
    for (const words of ['Sentence 0', 'Sentence 3']) expect(await hlsWords(carried, 'cc1')).toContain(words);
    // Players that read them out of the picture find them in what was encoded, too.
    expect((await ffmpegWords(await joinedBytes(scene.blobs, small), 'mp4')).slice(0, 2)).toEqual(['Sentence 0', 'Sentence 1']);
  }, 120_000);

  test('by an encoder of its own are read: x264 writes them anew, with frames in another order', async () => {
    const spoken = join(scene.folder, 'spoken.flv');
    await writeFile(spoken, flvFile(captioned(await flvSource({ folder: scene.folder, seconds: 7 }), spokenEvery2s(7))));
    const path = join(scene.folder, 'written-by-x264.flv');
    const video = ['-c:v', 'libx264', '-a53cc', '1', '-preset', 'veryfast', '-bf', '3', '-g', '60', '-sc_threshold', '0'];
    await run('ffmpeg', ['-v', 'error', '-y', '-i', spoken, ...video, '-c:a', 'copy', '-f', 'flv', path]);
    await scene.stream.create([source]);
    await scene.startMedia();
    scene.relay.open('s1', new FlvReader().push(new Uint8Array(await readFile(path))));
    await scene.stream.start('s1', scene.relay.url);
    await scene.sourceEnded();
    const segments = await scene.stream.segments('source');
    expect(said(await cuesOf(segments, 'cc1'))).toEqual(['Sentence 0', 'Sentence 1', 'Sentence 2']);
    expect(said(await cuesOf(segments, 'cc3')).at(-1)).toBe('Frase 1\nFrase 2');
    expect((await ffmpegWords(await joinedBytes(scene.blobs, segments), 'mp4')).slice(0, 2)).toEqual(['Sentence 0', 'Sentence 1']);
  }, 120_000);

  test('go on over another media process and another publisher', async () => {
    const tags = captioned(await flvSource({ folder: scene.folder, seconds: 24, groupFrames: 30 }), spokenEvery2s(24));
    await scene.stream.create([source]);
    scene.relay.open('s1', tags);
    await scene.stream.start('s1', scene.relay.url);
    const first = await scene.startMedia();
    await until('two segments', async () => (await scene.stream.segments('source')).length >= 2);
    await first.stop();
    await scene.startMedia({ owner: 'node-1/media-2' });
    await until('two more', async () => (await scene.stream.segments('source')).length >= 4);
    scene.relay.open('s2', tags);
    await scene.stream.join('s2', scene.relay.url);
    await scene.stream.request('backup');
    await until('the other is shown', async () => (await scene.stream.segments('source')).filter(({ sessionId }) => sessionId === 's2').length >= 2);
    const segments = await scene.stream.segments('source');
    for (const sessionId of ['s1', 's2']) {
      const own = segments.filter((one) => one.sessionId === sessionId);
      expect(said(await cuesOf(own, 'cc1')).length).toBeGreaterThanOrEqual(2);
    }
    const cues = await cuesOf(segments, 'cc1');
    cues.forEach(({ start }, at) => expect(start).toBeGreaterThanOrEqual((cues[at - 1]?.end ?? 0) - 0.001));
  }, 120_000);

  test('are read in HEVC, and messages that are broken leave the stream as it is', async () => {
    const encode = ['-c:v', 'libx265', '-preset', 'ultrafast', '-g', '60', '-x265-params', 'log-level=none:bframes=2:scenecut=0'];
    const plain = await enhancedSource({
      folder: scene.folder,
      seconds: 5,
      video: { fourCc: 'hvc1', encode },
      audio: { fourCc: 'Opus', encode: ['-c:a', 'libopus'] },
    });
    const whole = captioned(plain, spokenEvery2s(5), 'hevc');
    // Behind the NAL unit's head every fourth message is noise.
    let n = 0;
    const tags = whole.map((tag, at) =>
      tag === plain[at] || n++ % 4 !== 3 ? tag : { ...tag, body: tag.body.map((byte, index) => (index > 17 && index < 30 ? byte ^ 0x5a : byte)) },
    );
    await scene.stream.create([source]);
    await scene.startMedia();
    scene.relay.open('s1', tags);
    await scene.stream.start('s1', scene.relay.url);
    await scene.sourceEnded();
    const segments = await scene.stream.segments('source');
    expect(segments.map(({ durationUs }) => durationUs / 1e6)).toEqual([2, 2, expect.closeTo(1, 1)]);
    expect((await cuesOf(segments, 'cc3')).length).toBeGreaterThan(0);
  }, 120_000);
});
