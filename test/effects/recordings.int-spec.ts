/** @needs ffmpeg */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { EffectWorld, type Fields } from './effect-world.ts';
import { RecordingStudio } from './recording-studio.ts';

let world: EffectWorld;
let studio: RecordingStudio;

beforeAll(async () => {
  world = await EffectWorld.open();
  studio = await RecordingStudio.open(world);
});
afterAll(async () => {
  await studio.stop();
  await world.stop();
});

async function fetched(url: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${world.gateway.url}${new URL(String(url)).pathname}`, { headers });
}

test('a stopped stream becomes one file with sound and picture, and a poster, both served with ranges', async () => {
  const id = await studio.whole('320x180');
  const recording = await studio.recordingOf(id);
  expect(recording).toMatchObject({ status: 'finished', reason: null, width: 320, height: 180 });
  const file = new Uint8Array(await (await fetched(recording['mp4Url'])).arrayBuffer());
  expect(file.length).toBe(recording['bytes']);
  const { streams, format } = await studio.probed(file);
  expect(streams.map(({ codec_name: codec }) => codec)).toEqual(['h264', 'aac']);
  expect(Number(streams[0]?.nb_read_packets)).toBe(180);
  expect(Math.abs(Number(format.duration) - 6)).toBeLessThan(0.2);
  expect(Buffer.from(file).indexOf('moov')).toBeLessThan(Buffer.from(file).indexOf('mdat'));
  const part = await fetched(recording['mp4Url'], { range: 'bytes=4-7' });
  expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
  const poster = await fetched(recording['posterUrl']);
  expect([poster.status, poster.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect([...new Uint8Array(await poster.arrayBuffer()).subarray(0, 2)]).toEqual([0xff, 0xd8]);
}, 60_000);

test('encoders that changed and time without a segment stay in it; the same again is the same file', async () => {
  const id = await studio.whole('320x180', '160x90');
  const recording = await studio.recordingOf(id);
  const file = new Uint8Array(await (await fetched(recording['mp4Url'])).arrayBuffer());
  const { streams, format } = await studio.probed(file);
  expect(Number(streams[0]?.nb_read_packets)).toBe(360);
  expect(Math.abs(Number(format.duration) - 22)).toBeLessThan(0.3);
  const key = (await world.ask('GET', '/api/v1/effects?kind=recording-finish&limit=1')).json.items[0]?.id ?? '';
  await world.ask('POST', `/api/v1/effects/${key}/retry`, { reason: 'again' });
  while ((await world.engines.effects.show(key))?.round !== 1 || (await world.engines.effects.show(key))?.state === 'pending') await sleep(50);
  await world.world.settle();
  expect((await studio.recordingOf(id))['mp4Url']).toBe(recording['mp4Url']);
}, 90_000);

test('a stream that never had a segment has none, and says so', async () => {
  const id = await studio.stopped(() => Promise.resolve());
  expect(await studio.recordingOf(id)).toMatchObject({ status: 'failed', reason: expect.stringContaining('no-segments'), mp4Url: null });
}, 60_000);

test('an unlisted stream is not made into one', async () => {
  const id = await studio.stopped(() => Promise.resolve(), { unlisted: true });
  const newest = async (): Promise<Fields> => (await world.ask('GET', '/api/v1/effects?kind=recording-finish&limit=1')).json.items[0] ?? {};
  while ((await newest())['lane'] !== id || (await newest())['state'] !== 'succeeded') await sleep(50);
  expect((await world.ask('GET', `/api/v1/streams/${id}`)).json.recording).toBeNull();
}, 60_000);

test('a piece of a stream is a file from key frame to key frame, with a poster, and plays as a playlist at once', async () => {
  const id = await studio.whole('320x180');
  await world.world.settle();
  const at = (ms: number): string => new Date(1_790_000_000_000 + ms).toISOString();
  const clip = await studio.clipOf(id, { name: 'The goal', from: at(2500), until: at(3500) });
  expect(clip).toMatchObject({ status: 'finished', name: 'The goal', asked: { from: at(2500), until: at(3500) }, shows: { from: at(2000), until: at(4000) } });
  const file = new Uint8Array(await (await fetched(clip['mp4Url'])).arrayBuffer());
  const { streams, format } = await studio.probed(file);
  expect(Number(streams[0]?.nb_read_packets)).toBe(60);
  expect(Math.abs(Number(format.duration) - 2)).toBeLessThan(0.2);
  expect((await fetched(clip['posterUrl'])).headers.get('content-type')).toBe('image/jpeg');
  const { pathname, search } = new URL(String(clip['hlsUrl']));
  const master = await (await fetch(`${world.gateway.url}${pathname}${search}`)).text();
  const media = await (await fetch(new URL(/^720p\.m3u8.*$/m.exec(master)?.[0] ?? '', `${world.gateway.url}${pathname}`))).text();
  expect(media).toContain('#EXT-X-MEDIA-SEQUENCE:1\n');
  expect(media.match(/#EXTINF/g)).toHaveLength(1);
  expect(media).toContain('#EXT-X-ENDLIST');
}, 60_000);
