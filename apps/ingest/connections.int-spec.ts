import { pause } from '#runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import { readIngestSettings, type IngestSettings } from './ingest.config.ts';
import { IngestNode } from './testing/ingest-harness.ts';

const nodes: IngestNode[] = [];
const sockets: Socket[] = [];

async function start(overrides?: Partial<IngestSettings>): Promise<IngestNode> {
  const node = await IngestNode.start(undefined, overrides);
  nodes.push(node);
  return node;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const node of nodes.splice(0)) await node.stop();
});

describe('connections that are no publishers', () => {
  test('garbage is on record as a protocol error, and only so often', async () => {
    const node = await start();
    for (let i = 0; i < 30; i++) {
      const socket = connect(node.ports.rtmpPort, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.end('GET / HTTP/1.1\r\n\r\n');
      await once(socket, 'close');
    }
    await node.engines.eventually('stream.publish-rejected');
    await pause(100);
    const rejected = (await node.engines.events()).filter((event) => event.type === 'stream.publish-rejected');
    expect(rejected[0]?.data).toMatchObject({ reason: 'protocol-error', streamId: '' });
    expect(rejected.length).toBeLessThan(10);
  });

  test("a connection that says nothing is closed at the handshake's deadline, without an event", async () => {
    const node = await start({ session: { ...readIngestSettings({}).session, handshakeMs: 300 } });
    const socket = connect(node.ports.rtmpPort, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'close');
    expect(await node.engines.events()).toEqual([]);
  });

  test('more of them than there are places are closed at once', async () => {
    const node = await start({
      limits: { connectionsMax: 100, connectionsPerAddressMax: 100, unpublishedMax: 100, unpublishedPerAddressMax: 2, unpublishedKeptMs: 60_000 },
    });
    const open = Array.from({ length: 3 }, () => connect(node.ports.rtmpPort, '127.0.0.1'));
    sockets.push(...open);
    await Promise.race(open.map((socket) => once(socket, 'close')));
    expect((await node.engines.eventually('stream.publish-rejected')).data.reason).toBe('busy');
  });

  test('whoever holds all places by many silent connections keeps no publisher out', async () => {
    const node = await start({
      limits: { connectionsMax: 100, connectionsPerAddressMax: 100, unpublishedMax: 8, unpublishedPerAddressMax: 4, unpublishedKeptMs: 60_000 },
    });
    const open = Array.from({ length: 8 }, (_, at) => connect({ port: node.ports.rtmpPort, host: '127.0.0.1', localAddress: `127.0.1.${1 + (at % 2)}` }));
    sockets.push(...open);
    await Promise.all(open.map((socket) => once(socket.resume(), 'connect')));
    const gone = Promise.race(open.map((socket) => once(socket, 'close')));
    const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live', streamName: await node.createStream('st-aaaaaaaa') });
    sockets.push(one.socket);
    await gone;
    expect((await node.engines.eventually('stream.publish-rejected')).data).toMatchObject({ reason: 'busy', detail: expect.stringContaining('gave way') });
    expect(open.filter((socket) => socket.closed).length).toBe(1);
  });
});
