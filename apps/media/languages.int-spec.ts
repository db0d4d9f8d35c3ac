/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { encodeFlvHeader, encodeTag, tagType, type FlvTag } from '#core/flv';
import { enhancedSource } from '../../test/interop/enhanced-source.ts';
import { multitrackSource, type MultitrackInput } from '../../test/interop/multitrack-source.ts';
import { flvSource, type FlvSourceInit } from './testing/flv-source.ts';
import { hlsFolder, probe } from './testing/hls-folder.ts';
import { MediaScene } from './testing/media-scene.ts';
import { joinedBytes, until, type PublishedStream, type Segment } from './testing/published-stream.ts';
import { watchAudio, watchVideo } from './testing/watch.ts';

const run = promisify(execFile);
const source = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };
const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('languages')));
afterEach(() => scene.close());

const made = (seconds: number, more: Partial<FlvSourceInit> = {}): Promise<readonly FlvTag[]> => flvSource({ folder: scene.folder, seconds, ...more });

const german = async (seconds: number): Promise<MultitrackInput> => ({
  id: 1,
  tags: await made(seconds, { video: false }),
  metadata: { language: 'de', audiodatarate: 96 },
});
const written = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(scene.folder, name);
  await writeFile(path, bytes);
  return path;
};
/** The first encoder is killed after some seconds, in the middle of a segment. */
async function dyingEncoder(seconds: number): Promise<string> {
  const program = await written('encoder.sh', Buffer.from(''));
  const flag = join(scene.folder, 'killed');
  await writeFile(program, `#!/bin/sh\n[ -e "${flag}" ] && exec ffmpeg "$@"\ntouch "${flag}"\nexec timeout -s KILL ${seconds} ffmpeg "$@"\n`);
  await chmod(program, 0o755);
  return program;
}
const stored = async (name: string): Promise<Uint8Array> => joinedBytes(scene.blobs, await scene.stream.segments(name));
const renditions = async (): Promise<Array<Record<string, unknown>>> =>
  ((await scene.data('encoding.started')).at(-1)?.['renditions'] ?? []) as Array<Record<string, unknown>>;

/** A checksum for each coded frame of sound. */
async function codedFrames(path: string): Promise<string[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:a:0', '-c', 'copy', '-f', 'framemd5', '-'], { maxBuffer: 1e8 });
  return stdout.split('\n').flatMap((line) => (line.startsWith('#') || line === '' ? [] : [(line.split(',').at(-1) as string).trim()]));
}

/** Each segment begins exactly where the one before it ends. */
function expectWhole(segments: readonly Segment[]): void {
  expect(segments.map(({ mediaSequence }) => mediaSequence)).toEqual(segments.map((_, n) => n));
  const breaks = segments.flatMap(({ startTicks = 0 }, n) => {
    const before = segments[n - 1];
    return before === undefined ? [] : [startTicks - (before.startTicks ?? 0) - (before.durationTicks ?? 0)];
  });
  expect(breaks).toEqual(breaks.map(() => 0));
  expect(segments.filter(({ discontinuity }) => discontinuity)).toEqual([]);
}

async function publish(
  tags: readonly FlvTag[],
  ladder: Parameters<PublishedStream['create']>[0] = [source],
  { program, speed = 1 }: { readonly program?: string; readonly speed?: number } = {},
): Promise<void> {
  await scene.stream.create(ladder, { audioTracks: [{ track: 0, language: 'en', label: 'Original' }] });
  await scene.startMedia(program === undefined ? {} : { program });
  scene.relay.open('s1', tags, speed);
  await scene.stream.start('s1', scene.relay.url);
}

test('a second language is a sound of its own beside the first, carried as it was published, and players choose between both', async () => {
  const [first, second] = [await made(7), await german(7)];
  await publish(multitrackSource({ first, audio: [second] }));
  await scene.sourceEnded();
  // No process was ever started.
  expect((await readdir(join(scene.folder, 'run'))).filter((name) => name.startsWith('child-'))).toEqual([]);
  expect(await renditions()).toMatchObject([
    { name: 'source', kind: 'video' },
    { name: 'audio', kind: 'audio', language: 'en', label: 'Original' },
    { name: 'audio-1', kind: 'audio', language: 'de', label: 'Deutsch', bandwidth: 144_000, channels: 2 },
  ]);
  expectWhole(await scene.stream.segments('audio-1'));
  const published = Buffer.concat([encodeFlvHeader({ audio: true, video: false }), ...second.tags.filter(({ type }) => type === tagType.audio).map(encodeTag)]);
  const frames = await codedFrames(await written('german.flv', published));
  const carried = await codedFrames(await written('german.mp4', await stored('audio-1')));
  // What sounds before the first picture is shown belongs to nothing.
  expect(carried).toEqual(frames.slice(-carried.length));
  expect(frames.length - carried.length).toBeLessThan(5);
  const all = (await renditions()) as unknown as Parameters<typeof hlsFolder>[2];
  const { complaints, streams } = await probe(await hlsFolder(scene.folder, scene.blobs, all, await scene.stream.segments()));
  expect(complaints).toBe('');
  expect(streams.filter(({ codec_name }) => codec_name === 'aac').length).toBeGreaterThanOrEqual(2);
}, 60_000);

test('beside encoded pictures it is carried, too, and in step; when the encoder is killed, not a frame of it is missing or there twice', async () => {
  const [first, second] = [await made(12), await german(12)];
  const program = await dyingEncoder(5.3);
  await publish(multitrackSource({ first, audio: [second] }), [encoded], { program });
  await scene.sourceEnded();
  expect((await scene.data('encoding.ended')).map(({ reason }) => reason)).toEqual(['crashed', 'source-ended']);
  expect((await renditions()).map(({ name }) => name)).toEqual(['90p', 'audio', 'audio-1']);
  // The one that is encoded is encoded once, and of the other nothing is.
  for (const { argv } of await scene.data('encoding.ended')) expect((argv as string[]).filter((one) => one === '-c:a')).toHaveLength(1);
  for (const name of ['audio', 'audio-1']) expectWhole(await scene.stream.segments(name));
  const flashes = await watchVideo(await stored('90p'), join(scene.folder, '90p.mp4'), 30);
  for (const name of ['audio', 'audio-1']) {
    const beeps = await watchAudio(await stored(name), join(scene.folder, `${name}.mp4`));
    expect([name, beeps.complaints, beeps.marks.length]).toEqual([name, '', 12]);
    beeps.marks.forEach((mark, n) => expect(Math.abs(mark - (flashes.marks[n] as number))).toBeLessThan(0.06));
  }
}, 60_000);

test('beside encoded pictures sounds in other codecs are encoded, too, each once; in step, and whole when the encoder is killed', async () => {
  const other = async (fourCc: string, encoder: string, language: string): Promise<Omit<MultitrackInput, 'id'>> => ({
    tags: await enhancedSource({ folder: scene.folder, seconds: 12, audio: { fourCc, encode: ['-c:a', encoder] } }),
    metadata: { language },
  });
  const [opus, mp3] = [await other('Opus', 'libopus', 'de'), await other('.mp3', 'libmp3lame', 'fr')];
  const program = await dyingEncoder(5.3);
  await publish(
    multitrackSource({
      first: await made(12),
      audio: [
        { id: 1, ...opus },
        { id: 2, ...mp3 },
      ],
    }),
    [encoded],
    { program },
  );
  await scene.sourceEnded();
  expect((await scene.data('encoding.ended')).map(({ reason }) => reason)).toEqual(['crashed', 'source-ended']);
  expect(await renditions()).toMatchObject([
    { name: '90p' },
    { name: 'audio', codecs: 'mp4a.40.2' },
    { name: 'audio-1', codecs: 'mp4a.40.2', language: 'de', label: 'Deutsch' },
    { name: 'audio-2', codecs: 'mp4a.40.2', language: 'fr' },
  ]);
  for (const { argv } of await scene.data('encoding.ended')) expect((argv as string[]).filter((one) => one === '-c:a')).toHaveLength(3);
  const flashes = await watchVideo(await stored('90p'), join(scene.folder, '90p.mp4'), 30);
  for (const name of ['audio', 'audio-1', 'audio-2']) {
    expectWhole(await scene.stream.segments(name));
    const beeps = await watchAudio(await stored(name), join(scene.folder, `${name}.mp4`));
    expect([name, beeps.complaints, beeps.marks.length]).toEqual([name, '', 12]);
    beeps.marks.forEach((mark, n) => expect(Math.abs(mark - (flashes.marks[n] as number))).toBeLessThan(0.06));
  }
}, 60_000);

test.each([
  ['carried as they are', [source]],
  ['encoded', [encoded]],
])(
  'one that pauses is silence meanwhile, in its own format, and never the other language: pictures %s',
  async (_how, ladder) => {
    const isHeard = ({ type, timestampMs, body }: FlvTag): boolean =>
      type !== tagType.audio || body[1] === 0 || timestampMs < 4500 || (timestampMs > 12_500 && timestampMs < 16_500);
    const second = { ...(await german(20)), tags: (await made(20, { video: false, channels: 1 })).filter(isHeard) };
    await publish(multitrackSource({ first: await made(20), audio: [second] }), ladder, { speed: 3 });
    await scene.sourceEnded();
    expect((await scene.data('encoding.started')).map(({ renditions: of }) => (of as Array<{ name: string }>).at(-1)?.name)).toEqual(['audio-1']);
    expect(await scene.data('encoding.adapted')).toEqual([]);
    const segments = await scene.stream.segments('audio-1');
    expectWhole(segments);
    expect(segments.map(({ mediaSequence }) => mediaSequence)).toEqual((await scene.stream.segments('audio')).map(({ mediaSequence }) => mediaSequence));
    expect(new Set(segments.map(({ track }) => `${track?.sampleRate} ${track?.channels}`))).toEqual(new Set(['44100 1']));
    const { marks, complaints } = await watchAudio(await stored('audio-1'), join(scene.folder, 'paused.mp4'));
    expect(complaints).toBe('');
    const begins = (segments[0] as Segment).startUs / 1e6;
    expect(marks.map((mark) => Math.round(mark - begins))).toEqual([0, 1, 2, 3, 4, 13, 14, 15, 16]);
  },
  60_000,
);

test.each([
  ['carried as they are', [source]],
  ['encoded', [encoded]],
])(
  'where the other publisher has one sound alone, that is heard under both names: pictures %s',
  async (_how, ladder) => {
    const [first, second, single] = [await made(8), await german(8), await made(20)];
    await publish(multitrackSource({ first, audio: [second] }), ladder);
    scene.relay.open('s2', single);
    await scene.stream.join('s2', scene.relay.url);
    await until('a segment in German', async () => (await scene.stream.segments('audio-1')).length > 0);
    scene.relay.close('s1');
    await until('it was gone over', async () => (await scene.stream.switches()).length === 1);
    await scene.stream.leave('s1');
    const of = async (name: string): Promise<Segment[]> => (await scene.stream.segments(name)).filter(({ sessionId }) => sessionId === 's2');
    await until('two more after the switch', async () => (await of('audio-1')).length >= 2);
    const originals = new Map((await of('audio')).map(({ mediaSequence, cid }) => [mediaSequence, cid]));
    // Not a byte more is stored for it.
    for (const { mediaSequence, cid } of await of('audio-1')) expect(originals.get(mediaSequence)).toBe(cid);
    // What the first session made last may be stored after what the second made first.
    await until('none is missing between them', async () => {
      const sequences = (await scene.stream.segments('audio-1')).map(({ mediaSequence }) => mediaSequence);
      return sequences.every((sequence, n) => sequence === n);
    });
    expect((await renditions()).at(-1)).toMatchObject({ name: 'audio-1', language: 'de', label: 'Deutsch' });
  },
  60_000,
);

test('a broadcast without a picture has its languages, too', async () => {
  await publish(multitrackSource({ first: await made(9, { video: false }), audio: [await german(9)] }));
  await scene.sourceEnded();
  expect((await renditions()).map(({ name, language }) => [name, language])).toEqual([
    ['audio', 'en'],
    ['audio-1', 'de'],
  ]);
  const [original, further] = [await scene.stream.segments('audio'), await scene.stream.segments('audio-1')];
  expect(further.map(({ mediaSequence }) => mediaSequence)).toEqual(original.map(({ mediaSequence }) => mediaSequence));
  expect(original.length).toBeGreaterThan(2);
}, 60_000);
