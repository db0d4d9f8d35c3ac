/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cueNameOf, encodeAmf0, encodeAmf0Script, FlvReader, tagType, type FlvTag } from '#core/flv';
import { renderMedia } from '#core/hls';
import { MemoryBlobStore, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { createLogger, type Logger } from '#runtime';
import { captioned, flvFile, spokenEvery2s } from '../../test/interop/captioned-source.ts';
import { enhancedSource } from '../../test/interop/enhanced-source.ts';
import { flvSource } from './testing/flv-source.ts';
import { MediaNode } from './testing/media-node.ts';
import { joinedBytes, PublishedStream, until, type Segment } from './testing/published-stream.ts';
import { TestRelay } from './testing/test-relay.ts';

const run = promisify(execFile);
const source = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };
const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };

let folder: string;
let logger: Logger;
let log: MemoryEventLog;
let leases: MemoryLeaseStore;
let blobs: MemoryBlobStore;
let relay: TestRelay;
let stream: PublishedStream;
let nodes: MediaNode[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-captions-'));
  logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: process.env['TEST_LOG'] ?? 'silent' });
  log = new MemoryEventLog(new SystemClock());
  leases = new MemoryLeaseStore(new SystemClock());
  blobs = new MemoryBlobStore();
  relay = new TestRelay();
  await relay.listen();
  stream = new PublishedStream(log);
  nodes = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((one) => one.stop()));
  await relay.stop();
  await rm(folder, { recursive: true, force: true });
});

async function startMedia(owner = 'node-1/media-1'): Promise<MediaNode> {
  const node = await MediaNode.start({ folder, log, leases, blobs, logger, owner });
  nodes.push(node);
  return node;
}

async function ended(): Promise<void> {
  await until('the source ended', async () => (await stream.events()).some((event) => event.type === 'encoding.ended' && event.data.reason === 'source-ended'));
}

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
      .map(async ({ cid }) => Buffer.from(await blobs.read(cid)).toString()),
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
  const path = join(folder, `judged.${extension}`);
  await writeFile(path, bytes);
  const argv = ['-v', 'error', '-f', 'lavfi', '-i', `movie=${path}[out+subcc]`, '-map', '0:1', '-f', 'srt', '-'];
  const { stdout } = await run('ffmpeg', argv);
  return [...stdout.matchAll(/Sentence \d+/g)].map(([words]) => words);
}

/** The playlist of a channel as the gateway renders it, read by ffmpeg's demuxer of WebVTT in HLS. */
async function hlsWords(segments: readonly Segment[], channel: string): Promise<string> {
  const live = join(folder, 'live', 'st');
  const media = join(folder, 'media');
  await Promise.all([mkdir(live, { recursive: true }), mkdir(media, { recursive: true })]);
  const cidOf = (one: Segment): string => one.captions?.find((own) => own.channel === channel)?.cid ?? '';
  for (const segment of segments) if (cidOf(segment) !== '') await writeFile(join(media, `${cidOf(segment)}.vtt`), await blobs.read(cidOf(segment)));
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
    const tags = await flvSource({ folder, seconds: 12, groupFrames: 30 });
    const cue = (timestampMs: number, body: Uint8Array): FlvTag => ({ type: tagType.script, timestampMs, body });
    const said = (timestampMs: number, name: string): FlvTag => cue(timestampMs, encodeAmf0Script('onCuePoint', { name, parameters: { duration: 30 } }));
    const withCues = [...tags, said(3000, 'first'), said(9000, 'second'), cue(4000, encodeAmf0('onTextData'))].toSorted(
      (a, b) => a.timestampMs - b.timestampMs,
    );
    await stream.create([source]);
    // Cues are for those who read when they are said.
    await startMedia();
    relay.open('s1', withCues);
    relay.open(
      's2',
      withCues.map((one) => (cueNameOf(one.body) === undefined ? one : said(one.timestampMs, 'of the other'))),
    );
    await stream.start('s1', relay.url);
    await stream.join('s2', relay.url);
    await until(
      'all cues are told',
      async () => (await stream.events()).filter(({ type }) => type === 'stream.marked' || type === 'stream.cue-refused').length >= 3,
    );
    const events = await stream.events();
    const startedAt = events.find(({ type }) => type === 'stream.started')?.time ?? 0;
    const markers = events.flatMap((event) => (event.type === 'stream.marked' ? [event.data] : []));
    expect(markers.map(({ startMs, attributes, plannedDurationMs, origin }) => [startMs - startedAt, attributes[0]?.value, plannedDurationMs, origin])).toEqual(
      [
        [3000, 'first', 30_000, 'publisher'],
        [9000, 'second', 30_000, 'publisher'],
      ],
    );
    expect(new Set(markers.map(({ markerId }) => markerId)).size).toBe(2);
    const refused = events.flatMap((event) => (event.type === 'stream.cue-refused' ? [event.data] : []));
    expect(refused).toMatchObject([{ cue: 'onTextData', reason: 'malformed', detail: 'It says nothing.', refused: 1 }]);
  }, 120_000);
});

describe('captions within the picture', () => {
  test('become WebVTT beside each segment, carried or encoded, in the order of showing; ffmpeg reads the same words', async () => {
    const tags = captioned(await flvSource({ folder, seconds: 9 }), spokenEvery2s(9));
    expect((await ffmpegWords(flvFile(tags), 'flv')).slice(0, 3)).toEqual(['Sentence 0', 'Sentence 1', 'Sentence 2']);
    await stream.create([source, encoded]);
    await startMedia();
    relay.open('s1', tags);
    await stream.start('s1', relay.url);
    await ended();
    const [carried, small] = [await stream.segments('source'), await stream.segments('90p')];
    expect(carried.map(({ captions = [] }) => captions.map(({ channel }) => channel))).toEqual(carried.map(() => ['cc1', 'cc3']));
    expect(small.map(({ captions }) => captions)).toEqual(carried.map(({ captions }) => captions));
    expect((await stream.segments('audio')).every(({ captions }) => captions === undefined)).toBe(true);
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
    expect((await ffmpegWords(await joinedBytes(blobs, small), 'mp4')).slice(0, 2)).toEqual(['Sentence 0', 'Sentence 1']);
  }, 120_000);

  test('by an encoder of its own are read: x264 writes them anew, with frames in another order', async () => {
    const spoken = join(folder, 'spoken.flv');
    await writeFile(spoken, flvFile(captioned(await flvSource({ folder, seconds: 7 }), spokenEvery2s(7))));
    const path = join(folder, 'written-by-x264.flv');
    const video = ['-c:v', 'libx264', '-a53cc', '1', '-preset', 'veryfast', '-bf', '3', '-g', '60', '-sc_threshold', '0'];
    await run('ffmpeg', ['-v', 'error', '-y', '-i', spoken, ...video, '-c:a', 'copy', '-f', 'flv', path]);
    await stream.create([source]);
    await startMedia();
    relay.open('s1', new FlvReader().push(new Uint8Array(await readFile(path))));
    await stream.start('s1', relay.url);
    await ended();
    const segments = await stream.segments('source');
    expect(said(await cuesOf(segments, 'cc1'))).toEqual(['Sentence 0', 'Sentence 1', 'Sentence 2']);
    expect(said(await cuesOf(segments, 'cc3')).at(-1)).toBe('Frase 1\nFrase 2');
    expect((await ffmpegWords(await joinedBytes(blobs, segments), 'mp4')).slice(0, 2)).toEqual(['Sentence 0', 'Sentence 1']);
  }, 120_000);

  test('go on over another media process and another publisher', async () => {
    const tags = captioned(await flvSource({ folder, seconds: 24, groupFrames: 30 }), spokenEvery2s(24));
    await stream.create([source]);
    relay.open('s1', tags);
    await stream.start('s1', relay.url);
    const first = await startMedia();
    await until('two segments', async () => (await stream.segments('source')).length >= 2);
    await first.stop();
    await startMedia('node-1/media-2');
    await until('two more', async () => (await stream.segments('source')).length >= 4);
    relay.open('s2', tags);
    await stream.join('s2', relay.url);
    await stream.request('backup');
    await until('the other is shown', async () => (await stream.segments('source')).filter(({ sessionId }) => sessionId === 's2').length >= 2);
    const segments = await stream.segments('source');
    for (const sessionId of ['s1', 's2']) {
      const own = segments.filter((one) => one.sessionId === sessionId);
      expect(said(await cuesOf(own, 'cc1')).length).toBeGreaterThanOrEqual(2);
    }
    const cues = await cuesOf(segments, 'cc1');
    cues.forEach(({ start }, at) => expect(start).toBeGreaterThanOrEqual((cues[at - 1]?.end ?? 0) - 0.001));
  }, 120_000);

  test('are read in HEVC, and messages that are broken leave the stream as it is', async () => {
    const encode = ['-c:v', 'libx265', '-preset', 'ultrafast', '-g', '60', '-x265-params', 'log-level=none:bframes=2:scenecut=0'];
    const plain = await enhancedSource({ folder, seconds: 5, video: { fourCc: 'hvc1', encode }, audio: { fourCc: 'Opus', encode: ['-c:a', 'libopus'] } });
    const whole = captioned(plain, spokenEvery2s(5), 'hevc');
    // Behind the NAL unit's head every fourth message is noise.
    let n = 0;
    const tags = whole.map((tag, at) =>
      tag === plain[at] || n++ % 4 !== 3 ? tag : { ...tag, body: tag.body.map((byte, index) => (index > 17 && index < 30 ? byte ^ 0x5a : byte)) },
    );
    await stream.create([source]);
    await startMedia();
    relay.open('s1', tags);
    await stream.start('s1', relay.url);
    await ended();
    const segments = await stream.segments('source');
    expect(segments.map(({ durationUs }) => durationUs / 1e6)).toEqual([2, 2, expect.closeTo(1, 1)]);
    expect((await cuesOf(segments, 'cc3')).length).toBeGreaterThan(0);
  }, 120_000);
});
