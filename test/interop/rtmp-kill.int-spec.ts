import { pause } from '#runtime';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { IngestProcess, IngestWorld } from './rtmp-ingest-process.ts';

let world: IngestWorld;
let streams = 0;
const processes: IngestProcess[] = [];
const encoders: ChildProcess[] = [];

beforeAll(async () => {
  world = await IngestWorld.open();
});

afterEach(async () => {
  for (const encoder of encoders.splice(0)) encoder.kill('SIGKILL');
  for (const process of processes.splice(0)) await process.end('SIGKILL');
});

afterAll(() => world.close());

async function start(env?: Readonly<Record<string, string>>): Promise<IngestProcess> {
  const process = await IngestProcess.start(world.postgres.url, { LOG_LEVEL: 'info', LOG_FORMAT: 'json', ...env });
  processes.push(process);
  return process;
}

function publish(port: number, key: string): ChildProcess {
  const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-re', '-f', 'lavfi', '-i', 'sine'];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30', '-c:a', 'aac', '-t', '60'];
  const child = spawn('ffmpeg', ['-loglevel', 'error', ...picture, ...encode, '-f', 'flv', `rtmp://127.0.0.1:${port}/live/${key}`], { stdio: 'ignore' });
  encoders.push(child);
  return child;
}

async function newStream(graceMs?: number): Promise<{ streamId: string; key: string }> {
  streams += 1;
  const streamId = `st-aaaaaaa${'bcdefghijk'[streams] as string}`;
  return { streamId, key: await world.createStream(streamId, graceMs) };
}

async function historyOf(streamId: string): Promise<string[]> {
  const events = (await world.events()).filter((event) => (event.data as { streamId?: string }).streamId === streamId);
  return events.map((event) => (event.type === 'stream.interrupted' ? `${event.type} ${event.data.reason}` : event.type));
}

async function until(streamId: string, length: number): Promise<string[]> {
  for (let i = 0; i < 600 && (await historyOf(streamId)).length < length; i++) await pause(50);
  return historyOf(streamId);
}

describe('the ingest process on PostgreSQL', () => {
  test('admits ffmpeg, and on SIGTERM interrupts its stream and gives the lease back', async () => {
    const { streamId, key } = await newStream();
    const ingest = await start();
    publish(ingest.ports.rtmpPort, key);
    expect(await until(streamId, 2)).toEqual(['stream.created', 'stream.started']);
    await ingest.end('SIGTERM');
    expect(ingest.child.exitCode).toBe(0);
    expect(await until(streamId, 3)).toEqual(['stream.created', 'stream.started', 'stream.interrupted shutdown']);
    expect((await world.engines.leases.list(`ingest/${streamId}`)).filter((lease) => !lease.expired)).toEqual([]);
  });

  test('killed and started again, it interrupts what it held, and the publisher comes back under a greater epoch', async () => {
    const { streamId, key } = await newStream();
    const first = await start();
    publish(first.ports.rtmpPort, key);
    await until(streamId, 2);
    await first.end('SIGKILL');
    const second = await start();
    expect(await until(streamId, 3)).toEqual(['stream.created', 'stream.started', 'stream.interrupted ingest-lost']);
    publish(second.ports.rtmpPort, key);
    expect((await until(streamId, 4))[3]).toBe('stream.started');
    const epochs = (await world.events()).flatMap((event) => (event.type === 'stream.started' && event.data.streamId === streamId ? [event.data.epoch] : []));
    expect(epochs[1]).toBeGreaterThan(epochs[0] as number);
  });

  test('killed for good, an other node interrupts the stream when the lease ran out, and stops it after its grace', async () => {
    const { streamId, key } = await newStream(1000);
    const first = await start({ STREAMS_NODE: 'node-a' });
    const other = await start({ STREAMS_NODE: 'node-b' });
    publish(first.ports.rtmpPort, key);
    await until(streamId, 2);
    await first.end('SIGKILL');
    expect(await until(streamId, 4)).toEqual(['stream.created', 'stream.started', 'stream.interrupted ingest-lost', 'stream.stopped']);
    const late = publish(other.ports.rtmpPort, key);
    await once(late, 'exit');
    expect((await until(streamId, 5))[4]).toBe('stream.publish-rejected');
  });
});
