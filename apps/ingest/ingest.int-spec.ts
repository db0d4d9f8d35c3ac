import { tagType } from '#core/flv';
import { encodeSetDataFrame } from '#core/rtmp';
import { OperatingError } from '#kernel';
import { pause } from '#runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import { readIngestSettings, type IngestSettings } from './ingest.config.ts';
import { killTools, publish, Tool } from './testing/ffmpeg.ts';
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

function limits(overrides: Partial<IngestSettings['session']>): Partial<IngestSettings> {
  return { session: { ...readIngestSettings({}).session, ...overrides } };
}

async function publisher(node: IngestNode, key: string, app = 'live'): Promise<RtmpPublisher> {
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app, streamName: key });
  sockets.push(one.socket);
  return one;
}

const avcConfig = Uint8Array.from([
  0x17,
  0,
  0,
  0,
  0,
  ...Buffer.from('0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex'),
]);

function sendFrame(one: RtmpPublisher, timestampMs: number, keyFrame = true, bytes = 100): boolean {
  return one.sendTag({ type: tagType.video, timestampMs, body: Uint8Array.of(keyFrame ? 0x17 : 0x27, 1, 0, 0, 0, ...new Uint8Array(bytes)) });
}

describe('ffmpeg publishes', () => {
  test('and is read back from the relay as the same picture and sound; leaving, it interrupts the stream', async () => {
    const node = await start();
    const ffmpeg = publish(`${node.url(await node.createStream('st-aaaaaaaa'))}?from=test`, 4);
    const url = await relayUrl(node.engines);
    const probe = new Tool('ffprobe', [
      '-v',
      'error',
      '-count_packets',
      '-show_entries',
      'stream=codec_name,width,height,sample_rate,nb_read_packets',
      '-of',
      'json',
      url,
    ]);
    const { code, output } = await probe.ended;
    expect(code).toBe(0);
    const streams = (JSON.parse(output) as { streams: Array<Record<string, unknown>> }).streams;
    expect(streams).toEqual([
      { codec_name: 'h264', width: 320, height: 180, nb_read_packets: expect.any(String) },
      { codec_name: 'aac', sample_rate: '48000', nb_read_packets: expect.any(String) },
    ]);
    expect(Number(streams[0]?.['nb_read_packets'])).toBeGreaterThan(60);
    expect(await ffmpeg.ended).toMatchObject({ code: 0 });
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('unpublished');
    expect((await node.engines.leases.list('ingest/')).filter((lease) => !lease.expired)).toEqual([]);
  });

  test('is killed, and comes back under a greater epoch', async () => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const first = publish(node.url(key));
    const { data: before } = await node.engines.eventually('stream.started');
    await pause(500);
    first.child.kill('SIGKILL');
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('connection-closed');
    publish(node.url(key));
    const { data: after } = await node.engines.eventually('stream.started', 2);
    expect(after.epoch).toBeGreaterThan(before.epoch);
  });

  test('to both endpoints: each has a session and a relay of its own, and the stream lives while one of them does', async () => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const first = publish(node.url(key));
    const { data: primary } = await node.engines.eventually('stream.started');
    const second = publish(`rtmp://127.0.0.1:${node.ports.rtmpBackupPort}/live/${key}`);
    const { data: backup } = await node.engines.eventually('publisher.joined');
    expect([primary.endpoint, backup.endpoint]).toEqual(['primary', 'backup']);
    for (const { relayUrl: url, sessionId } of [primary, backup]) {
      const reader = await Reader.open(`${url}?session=${sessionId}`);
      await reader.until(10);
      expect(reader.tags.length).toBeGreaterThanOrEqual(10);
    }
    first.child.kill('SIGKILL');
    expect((await node.engines.eventually('publisher.left')).data).toMatchObject({ sessionId: primary.sessionId, endpoint: 'primary' });
    expect(await node.state('st-aaaaaaaa')).toMatchObject({ status: 'live', sessionId: backup.sessionId });
    second.child.kill('SIGKILL');
    expect((await node.engines.eventually('stream.interrupted')).data.sessionId).toBe(backup.sessionId);
    expect((await node.engines.leases.list('ingest/')).filter((lease) => !lease.expired)).toEqual([]);
  });

  test.each([
    ['a wrong secret', 'bad-key', (key: string) => `live/${key.slice(0, -1)}b`, 'The stream key does not match.'],
    ['no key at all', 'bad-key', () => 'live/', 'The stream key is not valid.'],
    ['an unknown stream', 'unknown-stream', (key: string) => `live/${key.replace('aaaaaaaa', 'bbbbbbbb')}`, 'There is no such stream.'],
    ['an unknown application', 'unknown-app', (key: string) => `show/${key}`, 'There is no application "show" here: publish to /live.'],
  ])('with %s and is told why', async (_name, reason, pathOf, message) => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const { code, output } = await publish(`rtmp://127.0.0.1:${node.ports.rtmpPort}/${pathOf(key)}`).ended;
    expect(code).not.toBe(0);
    expect(output).toContain(message);
    expect((await node.engines.eventually('stream.publish-rejected')).data).toMatchObject({ reason, node: 'node-1' });
    expect((await node.state('st-aaaaaaaa')).status).toBe('created');
  });

  test('to a stopped stream and is told so, however often it tries', async () => {
    const node = await start();
    const url = node.url(await node.createStream('st-aaaaaaaa'));
    await node.stopStream('st-aaaaaaaa');
    for (const { output } of await Promise.all(Array.from({ length: 7 }, () => publish(url).ended))) expect(output).toContain('The stream has ended.');
    expect((await node.engines.eventually('stream.publish-rejected')).data.reason).toBe('stream-stopped');
  });

  test('as the second, and is told so while the first goes on', async () => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const first = publish(node.url(key));
    await node.engines.eventually('stream.started');
    expect((await publish(node.url(key)).ended).output).toContain('Another publisher is live on the primary endpoint of this stream.');
    expect((await node.engines.eventually('stream.publish-rejected')).data.reason).toBe('already-publishing');
    expect(first.child.exitCode).toBeNull();
    expect((await node.state('st-aaaaaaaa')).status).toBe('live');
  });

  test('with a codec that nobody here can carry, and is told which', async () => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const wrong = ['-c:v', 'libx264', '-c:a', 'adpcm_swf', '-ar', '44100'];
    const { output } = await publish(node.url(key), 30, wrong).ended;
    expect(output).toMatch(/Server error: The audio codec adpcm is not supported|Broken pipe|reset|Conversion failed/);
    expect((await node.engines.eventually('stream.interrupted')).data).toMatchObject({
      reason: 'unsupported-codec',
      streamId: 'st-aaaaaaaa',
      detail: expect.stringContaining('audio codec adpcm'),
    });
    // It had been let in: one record says that it is over, and why.
    expect((await node.engines.events()).map(({ type }) => type)).not.toContain('stream.publish-rejected');
    // It connects again by itself: at the door it hears why, and viewers see no stream that begins and breaks.
    const again = await publish(node.url(key), 30, wrong).ended;
    expect(again.output).toMatch(/The audio codec adpcm is not supported: .* Change that, and try again in \d+ s\./);
    expect((await node.engines.eventually('stream.publish-rejected')).data).toMatchObject({ reason: 'unsupported-codec', streamId: 'st-aaaaaaaa' });
    expect((await node.engines.events()).filter(({ type }) => type === 'stream.started')).toHaveLength(1);
  });

  test('and the operator stops the stream: the encoder is cut off', async () => {
    const node = await start();
    const ffmpeg = publish(node.url(await node.createStream('st-aaaaaaaa')));
    await node.engines.eventually('stream.started');
    await node.stopStream('st-aaaaaaaa');
    expect((await ffmpeg.ended).code).not.toBe(0);
    expect(node.ingest.registry.live).toEqual([]);
  });
});

describe('publishers that fail in their own ways', () => {
  test('one whose bytes stop is stalled', async () => {
    const node = await start(undefined, limits({ stallMs: 500 }));
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    sendFrame(one, 0);
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('stalled');
  });

  test('one whose media runs far below real time is too slow', async () => {
    const node = await start(undefined, limits({ paceWindowMs: 1000 }));
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    for (let i = 0; i < 60 && !one.socket.destroyed; i++) {
      sendFrame(one, i * 10);
      await pause(50);
    }
    expect((await node.engines.eventually('stream.interrupted')).data).toMatchObject({
      reason: 'too-slow',
      detail: expect.stringContaining('times real time'),
    });
  });

  test('one that sends what is no RTMP in the middle is a protocol error', async () => {
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    sendFrame(one, 0);
    one.socket.write(new Uint8Array(5000).fill(0x83));
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('protocol-error');
  });

  test('one that fell silent gives way to the next with the same key', async () => {
    const node = await start(undefined, { takeoverSilenceMs: 300 });
    const key = await node.createStream('st-aaaaaaaa');
    const first = await publisher(node, key);
    sendFrame(first, 0);
    // It is kept waiting until the first has been silent for long enough, and needs no second try.
    await publisher(node, key);
    const kinds = (await node.engines.events()).map((event) => event.type);
    expect(kinds).toEqual(['stream.created', 'stream.started', 'stream.interrupted', 'stream.started']);
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('stalled');
  });
});

describe('the relay', () => {
  test('gives a reader the configuration and the group of pictures, then what comes, then the end', async () => {
    const node = await start();
    const key = await node.createStream('st-aaaaaaaa');
    const one = await publisher(node, key);
    one.write(18, 0, encodeSetDataFrame('onMetaData', { width: 1920 }));
    one.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
    sendFrame(one, 5000);
    sendFrame(one, 5040, false);
    sendFrame(one, 7000);
    sendFrame(one, 7040, false, 50_000);
    const url = await relayUrl(node.engines);
    await pause(100);
    const reader = await Reader.open(url);
    expect(reader.response.headers.get('content-type')).toBe('video/x-flv');
    const tags = await reader.until(4);
    expect(tags.map((tag) => [tag.type, tag.timestampMs, tag.body.length])).toEqual([
      [18, 0, expect.any(Number)],
      [9, 2000, avcConfig.length],
      [9, 2000, 105],
      [9, 2040, 50_005],
    ]);
    // A repeated configuration is no news; one that differs is.
    one.sendTag({ type: tagType.video, timestampMs: 7080, body: avcConfig });
    sendFrame(one, 7080, false);
    expect((await reader.until(5))[4]).toMatchObject({ timestampMs: 2080 });
    // What the encoder says about a moment stands between the frames.
    one.write(18, 7090, encodeSetDataFrame('onCuePoint', { name: 'goal' }));
    one.flush();
    expect((await reader.until(6))[5]).toMatchObject({ type: tagType.script, timestampMs: 2090 });
    one.unpublish(key);
    expect(await reader.ended).toBe('end');
    expect(reader.tags).toHaveLength(6);
    expect((await fetch(url)).status).toBe(404);
  });

  test('of a reader that joins before the first key frame begins with it', async () => {
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    const reader = await Reader.open(await relayUrl(node.engines));
    one.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
    sendFrame(one, 0, false);
    sendFrame(one, 40);
    const tags = await reader.until(2);
    expect(tags.map((tag) => [tag.body[0], tag.body[1]])).toEqual([
      [0x17, 0],
      [0x17, 1],
    ]);
  });

  test('holds back what makes no segment sooner for a reader that wants it so, and sends it when it says otherwise', async () => {
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    const url = `${await relayUrl(node.engines)}&reader=r1`;
    const gather = (ms: string, reader = 'r1'): Promise<number> =>
      fetch(`${url.replace('reader=r1', `reader=${reader}`)}&gather=${ms}`, { method: 'PUT' }).then(({ status }) => status);
    expect(await gather('400')).toBe(404);
    const reader = await Reader.open(url);
    one.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
    sendFrame(one, 0);
    await reader.until(2);
    expect([await gather('1001'), await gather('-1'), await gather(''), await gather('400', 'r2'), await gather('1000')]).toEqual([400, 400, 400, 404, 204]);
    for (const ms of [40, 80, 120]) sendFrame(one, ms, false);
    await pause(200);
    expect(reader.tags).toHaveLength(2);
    // With the key frame comes all that was held.
    sendFrame(one, 160);
    expect((await reader.until(6)).map(({ timestampMs }) => timestampMs)).toEqual([0, 0, 40, 80, 120, 160]);
    // By itself after the time that was asked for, at once where a reader says that it waits, and where the session ends.
    sendFrame(one, 200, false);
    expect(await reader.until(7)).toHaveLength(7);
    sendFrame(one, 240, false);
    await pause(100);
    expect(reader.tags).toHaveLength(7);
    expect(await gather('0')).toBe(204);
    expect(await reader.until(8)).toHaveLength(8);
    await gather('1000');
    sendFrame(one, 280, false);
    await pause(50);
    one.socket.destroy();
    expect([await reader.ended, reader.tags.length]).toEqual(['end', 9]);
  });

  test('cuts off a reader that does not read, and the publisher notices nothing', async () => {
    const node = await start(undefined, { readerBytesMax: 256 * 1024 });
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    one.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
    sendFrame(one, 0);
    const { pathname, search } = new URL(await relayUrl(node.engines));
    const socket = connect(node.ports.relayPort, '127.0.0.1');
    sockets.push(socket);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    socket.pause();
    const good = await Reader.open(await relayUrl(node.engines));
    // Far more than the kernel takes for a reader that does not read, and than the bound.
    for (let i = 1; i <= 400; i++) {
      sendFrame(one, i * 20, i % 50 === 0, 100_000);
      await pause(2);
    }
    await good.until(300);
    socket.resume();
    await once(socket, 'close');
    expect(good.tags.length).toBeGreaterThanOrEqual(300);
    expect((await node.state('st-aaaaaaaa')).status).toBe('live');
  });

  test.each([
    ['/relay/st-zzzzzzzz?session=x', 'GET', 404],
    ['/relay/%2e%2e/etc', 'GET', 404],
    ['/', 'GET', 404],
    ['/relay/st-aaaaaaaa', 'POST', 405],
  ])('answers %s by %s with %i', async (path, method, status) => {
    const node = await start();
    expect((await fetch(`http://127.0.0.1:${node.ports.relayPort}${path}`, { method })).status).toBe(status);
  });
});

describe('ownership', () => {
  test('a session whose lease was taken is closed', async () => {
    const node = await start(undefined, { leaseRenewMs: 100 });
    const key = await node.createStream('st-aaaaaaaa');
    const one = await publisher(node, key);
    const { engines } = node;
    const [lease] = await engines.leases.list('ingest/');
    await engines.leases.acquire('ingest/st-aaaaaaaa', lease?.owner ?? '', 10_000);
    await once(one.socket, 'close');
    expect((await engines.eventually('stream.interrupted')).data.reason).toBe('ingest-lost');
  });

  test("a suspended tenant's publisher is cut off, and comes back when the tenant is resumed", async () => {
    const node = await start(undefined, { leaseRenewMs: 50 });
    await node.tell({ type: 'CreateTenant', tenantId: 'acme', name: 'Acme' });
    const key = await node.createStream('st-aaaaaaaa', 60_000, 'acme');
    const [one, bystander] = [await publisher(node, key), await publisher(node, await node.createStream('st-bbbbbbbb'))];
    await node.tell({ type: 'SuspendTenant', tenantId: 'acme', reason: 'unpaid' });
    await once(one.socket, 'close');
    expect((await node.engines.eventually('stream.interrupted')).data).toMatchObject({ streamId: 'st-aaaaaaaa', detail: 'The tenant was suspended.' });
    await expect(publisher(node, key)).rejects.toMatchObject({ message: expect.stringContaining('suspended') });
    expect((await node.engines.eventually('stream.publish-rejected')).data.reason).toBe('tenant-suspended');
    // Whoever lacks the key hears nothing of the tenant.
    await expect(publisher(node, `${key.slice(0, -1)}b`)).rejects.toMatchObject({ message: 'The stream key does not match.' });
    expect(sendFrame(bystander, 0)).toBe(true);
    await node.tell({ type: 'ResumeTenant', tenantId: 'acme', reason: '' });
    await pause(1_100);
    await publisher(node, key);
    expect((await node.state('st-aaaaaaaa')).status).toBe('live');
  });

  test('while another node holds a stream, a publisher here is refused', async () => {
    const engines = new SharedEngines();
    const one = await start(engines, { node: 'node-1' });
    const two = await start(engines, { node: 'node-2' });
    const key = await one.createStream('st-aaaaaaaa');
    await publisher(one, key);
    await expect(publisher(two, key)).rejects.toMatchObject({ message: 'Another publisher is live on the primary endpoint of this stream.' });
  });

  test('a publisher that is dead on another node gives way to itself here, within a second and for good', async () => {
    const engines = new SharedEngines();
    const one = await start(engines, { node: 'node-1', leaseRenewMs: 100 });
    const two = await start(engines, { node: 'node-2' });
    const key = await one.createStream('st-aaaaaaaa');
    const dead = await publisher(one, key);
    sendFrame(dead, 0);
    // Its connection stays, as that of a machine that lost its power does.
    await pause(1_000);
    await publisher(two, key);
    expect((await engines.eventually('stream.interrupted')).data.reason).toBe('ingest-lost');
    expect(await one.state('st-aaaaaaaa')).toMatchObject({ status: 'live', node: 'node-2' });
    await once(dead.socket, 'close');
  });

  test('a wrong key does not touch the lease of the rightful publisher', async () => {
    const node = await start(undefined, { leaseRenewMs: 50 });
    const key = await node.createStream('st-aaaaaaaa');
    const one = await publisher(node, key);
    await expect(publisher(node, `${key.slice(0, -1)}b`)).rejects.toMatchObject({ message: 'The stream key does not match.' });
    await pause(200);
    expect(sendFrame(one, 0)).toBe(true);
    expect((await node.state('st-aaaaaaaa')).status).toBe('live');
  });

  test('a stream that nobody publishes again is stopped after its grace', async () => {
    const node = await start();
    const one = await publisher(node, await node.createStream('st-aaaaaaaa', 300));
    one.unpublish('x');
    expect((await node.engines.eventually('stream.stopped')).data).toMatchObject({ reason: 'publisher-gone' });
  });

  test('a stream whose ingest was restarted during its grace is stopped after it all the same', async () => {
    const engines = new SharedEngines();
    const before = await start(engines, limits({ stallMs: 500 }));
    const one = await publisher(before, await before.createStream('st-aaaaaaaa', 2000));
    sendFrame(one, 0);
    expect((await engines.eventually('stream.interrupted')).data.reason).toBe('stalled');
    await before.stop();
    expect((await before.state('st-aaaaaaaa')).status).toBe('interrupted');
    await start(engines);
    expect((await engines.eventually('stream.stopped')).data).toMatchObject({ reason: 'publisher-gone' });
  });

  test('a shutdown interrupts the sessions and gives their leases back', async () => {
    const engines = new SharedEngines();
    const node = await start(engines);
    const one = await publisher(node, await node.createStream('st-aaaaaaaa'));
    await node.stop();
    expect((await engines.eventually('stream.interrupted')).data.reason).toBe('shutdown');
    expect((await engines.leases.list('ingest/')).every((lease) => lease.expired)).toBe(true);
    if (!one.socket.destroyed) await once(one.socket, 'close');
    expect(one.statuses).toContain('NetStream.Publish.Rejected');
  });
});

function unavailable<T extends object>(store: T): T {
  const fail = (): Promise<never> => Promise.reject(new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true }));
  return new Proxy(store, { get: () => fail });
}

describe('the database is away', () => {
  test('a live session goes on, and its end is recorded afterwards', async () => {
    const node = await start(undefined, { leaseRenewMs: 50 });
    const { engines } = node;
    const key = await node.createStream('st-aaaaaaaa');
    const one = await publisher(node, key);
    const { aggregates, leases } = engines;
    engines.aggregates = unavailable(aggregates);
    engines.leases = unavailable(leases);
    await pause(300);
    expect(sendFrame(one, 0)).toBe(true);
    expect(one.socket.destroyed).toBe(false);
    one.unpublish(key);
    await pause(300);
    engines.aggregates = aggregates;
    engines.leases = leases;
    expect((await engines.eventually('stream.interrupted')).data.reason).toBe('unpublished');
  });

  test('a new publisher waits, then is refused with a reason', async () => {
    const node = await start(undefined, { admissionMs: 500 });
    const key = await node.createStream('st-aaaaaaaa');
    const { aggregates } = node.engines;
    node.engines.aggregates = unavailable(aggregates);
    await expect(publisher(node, key)).rejects.toMatchObject({ message: expect.stringContaining('cannot check the stream key right now') });
    node.engines.aggregates = aggregates;
    await publisher(node, key);
  });
});
