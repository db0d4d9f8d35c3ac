import { canonicalBody, readVideoHeader, tagType, trackBodyOf, type AmfObject, type FlvTag } from '#core/flv';
import { pause } from '#runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enhancedSource } from '../../test/interop/enhanced-source.ts';
import { multitrackSource } from '../../test/interop/multitrack-source.ts';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import type { IngestSettings } from './ingest.config.ts';
import { killTools, publish } from './testing/ffmpeg.ts';
import { IngestNode, SharedEngines } from './testing/ingest-harness.ts';
import { Reader, relayUrl } from './testing/relay-client.ts';

const nodes: IngestNode[] = [];
const sockets: Socket[] = [];

async function start(engines?: SharedEngines, overrides?: Partial<IngestSettings>): Promise<IngestNode> {
  const node = await IngestNode.start(engines, overrides);
  nodes.push(node);
  return node;
}

afterEach(async () => {
  killTools();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const node of nodes.splice(0)) await node.stop();
});

async function publisher(node: IngestNode, key: string, capabilities: AmfObject = {}): Promise<RtmpPublisher> {
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live', streamName: key, capabilities });
  sockets.push(one.socket);
  return one;
}

function sendFrame(one: RtmpPublisher, timestampMs: number): boolean {
  return one.sendTag({ type: tagType.video, timestampMs, body: Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3) });
}

describe('Enhanced RTMP', () => {
  test('an HEVC and Opus publisher is carried to readers as it is, MP3 of ffmpeg as well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'streams-hevc-'));
    const video = { fourCc: 'hvc1', encode: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none'] };
    const tags = await enhancedSource({ folder, seconds: 2, video, audio: { fourCc: 'Opus', encode: ['-c:a', 'libopus'] } });
    await rm(folder, { recursive: true });
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'), { fourCcList: ['hvc1', 'Opus'] });
    const reader = await Reader.open(await relayUrl(node.engines));
    for (const tag of tags) one.sendTag(tag);
    const read = await reader.until(tags.length);
    const sums = (list: readonly FlvTag[]): string[] => list.map(({ type, body }) => `${type} ${createHash('sha256').update(body).digest('hex')}`).sort();
    expect(sums(read)).toEqual(sums(tags));
    const key = await node.createStream('st-bbbbbbbb');
    expect(await publish(node.url(key), 1, ['-c:v', 'libx264', '-c:a', 'libmp3lame', '-ar', '44100']).ended).toMatchObject({ code: 0 });
  });

  test('a publisher of several tracks has each of them handed to readers, who join in the middle, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'streams-tracks-'));
    const h264 = { fourCc: 'avc1', encode: ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30'] };
    const made = (await enhancedSource({ folder, seconds: 2, video: h264 })).map((tag) => ({
      ...tag,
      body: canonicalBody(tag.body, 'video').body as Uint8Array,
    }));
    await rm(folder, { recursive: true });
    const tags = multitrackSource({ first: made, video: [1, 2].map((id) => ({ id, tags: made })), together: true });
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'), { capsEx: 2 });
    for (const tag of tags) one.sendTag(tag);
    await node.engines.eventually('stream.started');
    const reader = await Reader.open(await relayUrl(node.engines));
    // The group of pictures from the second key frame on, behind the script and three configurations.
    const read = await reader.until(4 + 3 * 30);
    const tracks = read.filter(({ type }) => type === tagType.video).map(({ body }) => trackBodyOf(body, 'video'));
    const kinds = tracks.map((of) => `${of?.track} ${readVideoHeader(of?.body as Uint8Array).kind}`);
    expect(kinds.slice(0, 6)).toEqual(['0 sequence-header', '1 sequence-header', '2 sequence-header', '0 frames', '1 frames', '2 frames']);
    const bodies = (track: number): string[] => tracks.flatMap((of) => (of?.track === track ? [createHash('sha256').update(of.body).digest('hex')] : []));
    expect(bodies(0)).toHaveLength(31);
    expect([bodies(1), bodies(2)]).toEqual([bodies(0), bodies(0)]);
  });

  test('a node that ends asks publishers that can to reconnect: they find the other node before they leave this one', async () => {
    const engines = new SharedEngines();
    const old = await start(engines, { node: 'node-1', drainMs: 5_000 });
    const key = await old.createStream('st-aaaaaaaa');
    const next = await start(engines, { node: 'node-2' });
    const one = await publisher(old, key, { capsEx: 1 });
    const deaf = await publisher(old, await old.createStream('st-bbbbbbbb'));
    sendFrame(one, 0);
    const stopped = old.stop();
    for (let i = 0; i < 500 && !one.statuses.includes('NetConnection.Connect.ReconnectRequest'); i++) await pause(5);
    await pause(100);
    sendFrame(one, 40);
    expect([one.socket.destroyed, deaf.statuses]).toEqual([false, ['NetStream.Publish.Start']]);
    const again = await publisher(next, key, { capsEx: 1 });
    sendFrame(again, 0);
    one.unpublish(key);
    await stopped;
    expect((await next.state('st-aaaaaaaa')).status).toBe('live');
    const started = (await engines.events()).flatMap((event) => (event.type === 'stream.started' ? [`${event.data.streamId} ${event.data.node}`] : []));
    expect(started).toEqual(['st-aaaaaaaa node-1', 'st-bbbbbbbb node-1', 'st-aaaaaaaa node-2']);
    expect((await next.state('st-bbbbbbbb')).status).toBe('interrupted');
  });

  test('a publisher that was asked and does not leave is ended when its time is over', async () => {
    const node = await start(undefined, { drainMs: 300 });
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'), { capsEx: 1 });
    await Promise.all([node.stop(), once(one.socket, 'close')]);
    expect(one.statuses).toEqual(['NetStream.Publish.Start', 'NetConnection.Connect.ReconnectRequest', 'NetStream.Publish.Rejected']);
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('shutdown');
  });
});
