/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeFlvHeader, encodeTag, readVideoHeader, tagType, trackBodyOf, type FlvTag } from '#core/flv';
import { multitrackSource } from '../../test/interop/multitrack-source.ts';
import { flvSource, type FlvSourceInit } from './testing/flv-source.ts';
import { hlsFolder, probe } from './testing/hls-folder.ts';
import { MediaScene } from './testing/media-scene.ts';
import { joinedBytes, until } from './testing/published-stream.ts';

const run = promisify(execFile);
const source = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };
const encoded = { name: '90p', height: 90, videoBitrate: 100_000 };

let scene: MediaScene;
beforeEach(async () => (scene = await MediaScene.open('tracks')));
afterEach(() => scene.close());

const made = (seconds: number, size: string, more: Partial<FlvSourceInit> = {}): Promise<readonly FlvTag[]> =>
  flvSource({ folder: scene.folder, seconds, size, ...more });

/** One checksum for each decoded picture, in the order in which they are shown. */
async function frames(path: string): Promise<string[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:v:0', '-f', 'framemd5', '-'], { maxBuffer: 1e8 });
  return stdout.split('\n').flatMap((line) => (line.startsWith('#') || line === '' ? [] : [(line.split(',').at(-1) as string).trim()]));
}

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(scene.folder, name);
  await writeFile(path, bytes);
  return path;
}

const asFlv = (tags: readonly FlvTag[]): Uint8Array => Buffer.concat([encodeFlvHeader({ audio: true, video: true }), ...tags.map(encodeTag)]);

/** What is where: `3.5+2 180p` for a segment of two seconds from 3.5 s on. */
async function cut(rendition: string): Promise<string[]> {
  return (await scene.stream.segments(rendition)).map(({ startUs, durationUs }) => `${startUs / 1e6}+${Math.round(durationUs / 1e4) / 100}`);
}

/** The publisher's tracks of one time alone; of track 0, everything. */
function onlyFrom(tags: readonly FlvTag[], track: number, isThere: (timestampMs: number) => boolean): readonly FlvTag[] {
  return tags.filter(({ type, body, timestampMs }) => {
    const of = type === tagType.video ? trackBodyOf(body, 'video') : undefined;
    if (of?.track !== track || readVideoHeader(of.body).kind === 'sequence-header') return true;
    return isThere(timestampMs);
  });
}

describe('a publisher that sends its ladder', () => {
  test('is carried without an encoder: each track is a rendition that decodes to what was published, all cut at the same times', async () => {
    const [first, second, third] = await Promise.all([made(7, '320x180'), made(7, '240x136', { audio: false }), made(7, '160x90', { audio: false })]);
    const video = [
      { id: 1, tags: second as readonly FlvTag[], metadata: { width: 240, height: 136, videodatarate: 300 } },
      { id: 2, tags: third as readonly FlvTag[], metadata: { width: 160, height: 90, videodatarate: 150 } },
    ];
    await scene.stream.create([source, encoded]);
    // What is published is sent in real time from its first moment on.
    await scene.startMedia();
    scene.relay.open('s1', multitrackSource({ first: first as readonly FlvTag[], video }));
    await scene.stream.start('s1', scene.relay.url);
    await scene.sourceEnded();
    // No process was ever started.
    expect((await readdir(join(scene.folder, 'run'))).filter((name) => name.startsWith('child-'))).toEqual([]);
    const [started, ...again] = await scene.data('encoding.started');
    expect(again).toEqual([]);
    expect(started).toMatchObject({
      encoder: 'none',
      renditions: [
        { name: 'source', width: 320, height: 180, frameRate: 30 },
        { name: '136p', width: 240, height: 136, bandwidth: 450_000 },
        { name: '90p', width: 160, height: 90, bandwidth: 225_000 },
        { name: 'audio', kind: 'audio' },
      ],
    });
    const published = { source: first, '136p': second, '90p': third };
    for (const [name, tags] of Object.entries(published)) {
      expect([name, await cut(name)]).toEqual([name, ['0+2', '2+2', '4+2', '6+1']]);
      const stored = await written(`${name}.mp4`, await joinedBytes(scene.blobs, await scene.stream.segments(name)));
      expect(await frames(stored)).toEqual(await frames(await written(`${name}.flv`, asFlv(tags as readonly FlvTag[]))));
    }
    const renditions = (started?.['renditions'] ?? []) as Parameters<typeof hlsFolder>[2];
    const { complaints, streams } = await probe(await hlsFolder(scene.folder, scene.blobs, renditions, await scene.stream.segments()));
    expect(complaints).toBe('');
    const sizes = streams.filter(({ codec_name }) => codec_name === 'h264').map(({ height, packets }) => `${height} ${packets}`);
    expect([...new Set(sizes)].sort()).toEqual(['136 210', '180 210', '90 210']);
  }, 120_000);

  test('and of which a track comes late, goes and comes back, has it with the next key frame; the others never wait', async () => {
    const [first, second] = await Promise.all([made(15, '320x180'), made(15, '160x90', { audio: false })]);
    const tags = multitrackSource({ first: first as readonly FlvTag[], video: [{ id: 1, tags: second as readonly FlvTag[] }] });
    await scene.stream.create([source]);
    await scene.startMedia();
    scene.relay.open(
      's1',
      onlyFrom(tags, 1, (ms) => (ms > 1500 && ms < 6500) || ms > 9500),
    );
    await scene.stream.start('s1', scene.relay.url);
    await until('the last segment', async () => (await scene.stream.segments('source')).length === 8);
    expect(await cut('source')).toEqual(['0+2', '2+2', '4+2', '6+2', '8+2', '10+2', '12+2', '14+1']);
    // Once players know it, the first track stands for it while it is away.
    expect(await cut('90p')).toEqual(['2+2', '4+2', expect.stringMatching(/^6\+0\.[45]/), '8+2', '10+2', '12+2', '14+1']);
    const own = (await scene.stream.segments('90p')).map(({ track }) => track?.height);
    expect(own).toEqual([90, 90, 90, 180, 90, 90, 90]);
    // That it is another picture is told in all renditions alike; nothing else breaks.
    const breaks = (await scene.stream.segments()).filter(({ discontinuity }) => discontinuity);
    expect([...new Set(breaks.map(({ mediaSequence }) => mediaSequence))]).toEqual([4, 5]);
    for (const { mediaSequence, startUs } of await scene.stream.segments('90p')) expect(Math.floor(startUs / 2e6)).toBe(mediaSequence);
    // It was announced at the beginning and did not come.
    expect((await scene.data('encoding.adapted')).map(({ detail }) => detail)).toEqual([expect.stringMatching(/^Track 1 of video is left out/)]);
  }, 120_000);

  test('and has tracks out of step has them cut where their own key frames are, or goes on without the one that has none there', async () => {
    const [first, second, third] = await Promise.all([
      made(7, '320x180'),
      made(7, '240x136', { audio: false }),
      made(7, '160x90', { audio: false, groupFrames: 45 }),
    ]);
    // As if its encoder had begun a little later: it is cut at its own key frames.
    const shifted = (second as readonly FlvTag[]).map((tag) => ({ ...tag, timestampMs: tag.timestampMs + 100 }));
    const video = [
      { id: 1, tags: shifted },
      { id: 2, tags: third as readonly FlvTag[] },
    ];
    await scene.stream.create([source]);
    await scene.startMedia();
    scene.relay.open('s1', multitrackSource({ first: first as readonly FlvTag[], video }));
    await scene.stream.start('s1', scene.relay.url);
    await scene.sourceEnded();
    expect(await cut('source')).toEqual(['0+2', '2+2', '4+2', '6+1']);
    // It begins where the first track does, and has nothing to go on with at the first cut.
    expect(await cut('90p')).toEqual(['0+2']);
    expect(await cut('136p')).toEqual(['0.1+2', '2.1+2', '4.1+2', '6.1+1']);
    expect((await scene.data('encoding.ended')).map(({ reason }) => reason)).toEqual(['source-ended']);
  }, 120_000);

  test('and is followed by one with a single track keeps its renditions for those who watch them: the picture that comes closest', async () => {
    const [first, second, single] = await Promise.all([made(8, '320x180'), made(8, '160x90', { audio: false }), made(20, '320x180')]);
    await scene.stream.create([source]);
    await scene.startMedia();
    scene.relay.open('s1', multitrackSource({ first: first as readonly FlvTag[], video: [{ id: 1, tags: second as readonly FlvTag[] }] }));
    scene.relay.open('s2', single as readonly FlvTag[]);
    await scene.stream.start('s1', scene.relay.url);
    await scene.stream.join('s2', scene.relay.url);
    await until('a segment of each track', async () => (await scene.stream.segments('90p')).length > 0);
    scene.relay.close('s1');
    await until('it was gone over', async () => (await scene.stream.switches()).length === 1);
    await scene.stream.leave('s1');
    await until(
      'three more of each after the switch',
      async () => (await scene.stream.segments('90p')).filter(({ sessionId }) => sessionId === 's2').length >= 3,
    );
    const of = async (name: string): Promise<Map<number, string>> =>
      new Map((await scene.stream.segments(name)).flatMap(({ sessionId, mediaSequence, cid }) => (sessionId === 's2' ? [[mediaSequence, cid] as const] : [])));
    const [large, small] = [await of('source'), await of('90p')];
    // Not a byte more is stored for it.
    for (const [sequence, cid] of small) expect(large.get(sequence)).toBe(cid);
    const sequences = [...new Set((await scene.stream.segments()).map(({ mediaSequence }) => mediaSequence))];
    expect(sequences).toEqual(sequences.map((_, n) => n));
    expect((await scene.stream.switches()).map(([to]) => to)).toEqual(['s2']);
  }, 120_000);
});
