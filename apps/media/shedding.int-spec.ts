/** @needs ffmpeg */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemoryBlobStore, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { createLogger } from '#runtime';
import { Overload } from './live/overload.ts';
import { flvSource } from './testing/flv-source.ts';
import { MediaNode, type MediaNodeInit } from './testing/media-node.ts';
import { PublishedStream, until } from './testing/published-stream.ts';
import { TestRelay } from './testing/test-relay.ts';

const ladder = [
  { name: '180p', height: 180, videoBitrate: 300_000 },
  { name: '90p', height: 90, videoBitrate: 100_000 },
];

let folder: string;
let log: MemoryEventLog;
let relay: TestRelay;
let stream: PublishedStream;
let node: MediaNode | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-shed-'));
  log = new MemoryEventLog(new SystemClock());
  relay = new TestRelay();
  await relay.listen();
  stream = new PublishedStream(log);
  await stream.create(ladder);
});

afterEach(async () => {
  await node?.stop();
  node = undefined;
  await relay.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(init: Partial<MediaNodeInit>): Promise<void> {
  const logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: process.env['TEST_LOG'] ?? 'silent' });
  node = await MediaNode.start({ folder, log, logger, leases: new MemoryLeaseStore(new SystemClock()), blobs: new MemoryBlobStore(), ...init });
}

/** A real encoder that gets a quarter of what it is sent in time, after its first five seconds, as long as it has to make the highest rung. */
async function slowEncoder(bytesPerSecond: number): Promise<string> {
  const throttle = join(folder, 'throttle.mjs');
  await writeFile(
    throttle,
    `const begun = performance.now(); let sent = 0;
for await (const chunk of process.stdin) {
  for (let at = 0; at < chunk.length; at += 100) {
    const piece = chunk.subarray(at, at + 100);
    sent += piece.length;
    while (sent > ((performance.now() - begun) / 1000) * ${Math.round(bytesPerSecond / 4)} + ${5 * bytesPerSecond}) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}`,
  );
  const program = join(folder, 'encoder.sh');
  const path = process.env['PATH'] ?? '';
  const slow = `"${process.execPath}" "${throttle}" | ffmpeg "$@"`;
  await writeFile(program, `#!/bin/sh\nexport PATH="${path}"\ncase "$*" in *scale=320:180*) ${slow} ;; *) exec ffmpeg "$@" ;; esac\n`);
  await chmod(program, 0o755);
  return program;
}

test('an encoder that is too slow with the fastest preset goes on without the highest rung, has it back when it keeps up, and the log says so', async () => {
  const seconds = 40;
  const tags = await flvSource({ folder, seconds });
  relay.open('s1', tags);
  await stream.start('s1', relay.url);
  await start({ program: await slowEncoder(tags.reduce((sum, { body }) => sum + body.length, 0) / seconds), shedCalmMs: 5000 });
  const adapted = async (): Promise<unknown[]> => (await stream.events()).flatMap((event) => (event.type === 'encoding.adapted' ? [event.data] : []));
  await until('a step was taken', async () => (await adapted()).length > 0, 60_000);
  expect((await adapted())[0]).toMatchObject({ step: 'top-rung', direction: 'down', detail: expect.stringContaining('highest') });
  const made = async (): Promise<string[][]> =>
    (await stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event.data.renditions.map(({ name }) => name)] : []));
  await until('the lower rung goes on', async () => (await made()).length >= 2, 60_000);
  const runs = await made();
  expect(runs[0]).toEqual(['180p', '90p', 'audio']);
  expect(runs[1]).toEqual(['90p', 'audio']);
  await until('the step is taken back', async () => (await adapted()).length > 1, 60_000);
  expect((await adapted())[1]).toMatchObject({ step: 'top-rung', direction: 'up' });
  await until('the highest rung is made again', async () => (await made()).length > 2, 60_000);
  expect((await made())[2]).toEqual(['180p', '90p', 'audio']);
  // The lower one went on through both.
  const lower = await stream.segments('90p');
  lower.forEach(({ startUs, mediaSequence, discontinuity }, n) => {
    const before = lower[n - 1];
    if (before?.mediaSequence === mediaSequence - 1 && !discontinuity) expect(startUs).toBe(before.startUs + before.durationUs);
  });
}, 180_000);

test('a process that cannot keep up begins no other stream until it can', async () => {
  const overload = new Overload();
  overload.set('another', true);
  relay.open('s1', await flvSource({ folder, seconds: 20 }));
  await stream.start('s1', relay.url);
  await start({ overload });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const relieved = Date.now();
  overload.set('another', false);
  const started = async () => (await stream.events()).find((event) => event.type === 'encoding.started');
  await until('the stream is begun', async () => (await started()) !== undefined);
  expect((await started())?.time).toBeGreaterThanOrEqual(relieved);
}, 60_000);
