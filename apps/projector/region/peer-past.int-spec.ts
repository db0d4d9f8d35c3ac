/** @needs s3 */
import { ManualClock, MemoryEventLog } from '#adapters/memory';
import { nodeLedgerHash } from '#adapters/ledger';
import { openEngines } from '#adapters/engines';
import { topicPartitions, type LogRecord } from '#events';
import { divergence, logDigests, pause, readRegionPeers, readSharedSettings, RegionMirror, type Environment } from '#runtime';
import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { startS3, type S3Engine } from '../../../test/constellation/engines/index.ts';
import { openPeerLog } from './peer-logs.ts';

const topic = 'content';
const limits = { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 };
let s3: S3Engine;
let folder: string;

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'peer-past-'));
  await sealedRegion({ ...s3.env, S3_PREFIX: 'theirs/of-north' });
}, 60_000);

afterAll(async () => {
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A region whose past is in a bucket and no more in its log, but for what it wrote last. */
async function sealedRegion(env: Environment): Promise<void> {
  const { log, sealedLog, close } = await openEngines(readSharedSettings({ ...env, STREAMS_DATA_DIR: folder }), 'log');
  const records = (from: number): readonly LogRecord[] =>
    Array.from({ length: 60 }, (_, at) => ({ key: `c-${at % 7}`, headers: { ce_id: `e-${from + at}` }, value: '{}' }));
  await log.ensureTopic(topic, topicPartitions);
  await log.append(topic, records(0));
  const sealer = sealedLog.sealer(1n, nodeLedgerHash);
  for (const { partition, high } of await sealedLog.heads(topic)) {
    const bounds = { until: high, recordsMax: 1000, charactersMax: 1e9, nowMs: Date.now() };
    if ((await sealer.seal({ topic, partition, ...bounds, leafOf: async () => 0, prove: async () => undefined })) === undefined) continue;
    expect(await sealer.trim(topic, partition, high)).toBe(true);
  }
  await log.append(topic, records(60));
  await close();
}

/** What the other region reads, by its settings. */
async function readBy(blobs: string, own: Environment = {}): Promise<unknown> {
  const env = { STREAMS_DATA_DIR: join(folder, 'south'), REGION_PEERS: `north=${folder}`, REGION_PEER_BLOBS: `north=${blobs}`, ...own };
  const [peer] = readRegionPeers(env, 'node-1');
  const opened = await openPeerLog(peer as NonNullable<typeof peer>, readSharedSettings(env));
  try {
    const target = new MemoryEventLog(new ManualClock());
    const mirror = new RegionMirror({ origin: 'north', topics: [topic], limits }, { source: opened.log, target, logger: pino({ level: 'silent' }) });
    const written = (await opened.log.heads(topic)).find(({ high }) => high > 0n);
    await opened.log.read(topic, written?.partition ?? 0, 0n, limits);
    await mirror.start();
    while ((await mirror.behind()) > 0) await pause(5);
    await mirror.stop();
    const parts = divergence(await logDigests(opened.log, [topic]), await logDigests(target, [topic]));
    return { parts, records: (await target.heads(topic)).reduce((sum, { high }) => sum + Number(high), 0) };
  } catch (error) {
    return error;
  } finally {
    await opened.close();
  }
}

async function buckets(): Promise<readonly (string | undefined)[]> {
  const { endpoint, accessKeyId, secretAccessKey } = s3;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  const { Buckets = [] } = await client.send(new ListBucketsCommand());
  client.destroy();
  return Buckets.map(({ Name }) => Name);
}

describe('the past of a region that it keeps in a bucket of its own', () => {
  const place = (change: Partial<Record<'id' | 'secret' | 'bucket' | 'prefix' | 'host', string>> = {}): string => {
    const { id = s3.accessKeyId, secret = encodeURIComponent(s3.secretAccessKey), bucket = s3.bucket, prefix = 'theirs/of-north' } = change;
    return `http://${id}:${secret}@${change.host ?? new URL(s3.endpoint).host}/${bucket}/${prefix}`;
  };

  test('is read from there, with keys of the entry or our own, whatever our own bucket is', async () => {
    const all = { parts: [], records: 120 };
    expect(await readBy(place())).toEqual(all);
    expect(await readBy(place(), { S3_ENDPOINT: 'http://127.0.0.1:1', S3_BUCKET: 'ours', S3_PREFIX: 'p' })).toEqual(all);
    const ours = { S3_ENDPOINT: 'http://127.0.0.1:1', S3_ACCESS_KEY_ID: s3.accessKeyId, S3_SECRET_ACCESS_KEY: s3.secretAccessKey };
    expect(await readBy(place().replace(/\/\/.*@/, '//'), ours)).toEqual(all);
  });

  test('that is not there is told by peer, place and setting, without keys, and nothing is made', async () => {
    const before = await buckets();
    const found = await Promise.all([readBy(place({ bucket: 'not-there' })), readBy(place({ prefix: 'theirs' })), readBy(place({ secret: 'WR0NG-KEY' }))]);
    for (const [at, error] of found.entries()) {
      expect(error).toMatchObject({ code: 'REGION_PAST_UNREADABLE' });
      const { message } = error as Error;
      expect(message).toContain(`past of the region north cannot be read in ${s3.endpoint}/${at === 0 ? 'not-there' : s3.bucket}/theirs`);
      expect(message).toContain('REGION_PEER_BLOBS');
      for (const key of ['WR0NG-KEY', s3.secretAccessKey]) expect(message).not.toContain(key);
    }
    expect(await buckets()).toEqual(before);
  });
});
