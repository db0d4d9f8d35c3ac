/** @needs obs ffmpeg */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { LimitBook } from '#domain/stream';
import { IngestNode, SharedEngines } from '../../../apps/ingest/testing/ingest-harness.ts';
import { relayUrl } from '../../../apps/ingest/testing/relay-client.ts';
import { until } from '../../constellation/platform.ts';
import { ObsStudio } from './obs-studio.ts';

let obs: ObsStudio;
let engines: SharedEngines;
let node: IngestNode;

beforeAll(async () => {
  obs = await ObsStudio.start();
}, 120_000);
afterAll(() => obs.stop());
beforeEach(async () => {
  engines = new SharedEngines();
  node = await IngestNode.start(engines);
});
afterEach(() => node.stop());

const serverOf = ({ ports }: IngestNode): string => `rtmp://127.0.0.1:${ports.rtmpPort}/live`;

/** A second of what the relay has, decoded: how many pictures, the colour of the last one, how many samples of sound. */
async function watch(url: string): Promise<{ readonly pictures: number; readonly colour: readonly number[]; readonly samples: number }> {
  const raw = { encoding: 'buffer', maxBuffer: 50_000_000 } as const;
  const run = promisify(execFile);
  const [video, audio] = await Promise.all([
    run('ffmpeg', ['-v', 'error', '-i', url, '-t', '1', '-an', '-vf', 'scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'], raw),
    run('ffmpeg', ['-v', 'error', '-i', url, '-t', '1', '-vn', '-f', 's16le', '-ac', '1', '-ar', '48000', 'pipe:1'], raw),
  ]);
  expect([video.stderr.toString(), audio.stderr.toString()]).toEqual(['', '']);
  return { pictures: video.stdout.length / 3, colour: [...video.stdout.subarray(-3)], samples: audio.stdout.length / 2 };
}

test('OBS goes live with its picture and sound, and ends', async () => {
  const key = await node.createStream('st-aaaaaaab');
  await obs.publish(serverOf(node), key);
  const { pictures, colour, samples } = await watch(await relayUrl(engines));
  expect(pictures).toBeGreaterThanOrEqual(25);
  expect(samples).toBeGreaterThanOrEqual(40_000);
  const [red = 0, green = 0, blue = 0] = colour;
  expect([Math.abs(red - 0x11), Math.abs(green - 0x33), Math.abs(blue - 0xcc)].every((distance) => distance < 24)).toBe(true);
  await obs.unpublish();
  expect((await engines.eventually('stream.interrupted')).data.reason).toBe('unpublished');
}, 120_000);

test('OBS is told why a key is refused, and does not try for ever', async () => {
  const key = await node.createStream('st-aaaaaaac');
  const before = obs.log.length;
  await obs.publish(serverOf(node), `${key.slice(0, -1)}b`);
  await engines.eventually('stream.publish-rejected');
  await until(
    async () => !(await obs.isPublishing()),
    60_000,
    () => obs.log,
  );
  expect(obs.log.slice(before)).toContain('NetStream.Publish.BadName (The stream key does not match.)');
}, 120_000);

test('OBS beyond the limits of its tenant is ended, and has the reason in its log when it comes again by itself', async () => {
  await node.stop();
  node = await IngestNode.start(engines, { tenantLimits: LimitBook.parse('default=height:240') as LimitBook });
  const before = obs.log.length;
  await obs.publish(serverOf(node), await node.createStream('st-aaaaaaae'));
  expect((await engines.eventually('stream.interrupted')).data).toMatchObject({ reason: 'limit-exceeded', detail: expect.stringContaining('640x360') });
  await until(
    async () => obs.log.slice(before).includes('NetStream.Publish.BadName (The picture has 640x360 pixels; 240 lines are allowed. Change that'),
    60_000,
    () => obs.log.slice(before),
  );
  expect((await engines.events()).filter(({ type }) => type === 'stream.started')).toHaveLength(1);
  await obs.unpublish();
}, 120_000);

test('OBS comes back by itself when the ingest was started anew, to the same stream', async () => {
  const key = await node.createStream('st-aaaaaaad');
  await obs.publish(serverOf(node), key);
  await engines.eventually('stream.started');
  const { rtmpPort } = node.ports;
  await node.stop();
  node = await IngestNode.start(engines, { rtmpPort });
  const first = await engines.eventually('stream.started', 1);
  const second = await engines.eventually('stream.started', 2);
  expect(second.data.epoch).toBeGreaterThan(first.data.epoch);
  expect((await watch(await relayUrl(engines, 2))).pictures).toBeGreaterThanOrEqual(25);
  await obs.unpublish();
}, 120_000);
