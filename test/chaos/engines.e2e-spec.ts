/** @needs chromium ffmpeg java maven s3 redis */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { clusterSet, type RunningSet } from '../constellation/engine-sets.ts';
import { engineVictim, killRun, partVictim } from '../constellation/kill-run.ts';
import { Platform } from '../constellation/platform.ts';
import { judge } from '../constellation/run-oracle.ts';

jest.setTimeout(400_000);

const downMs = 3000;
const awayMs = 6000;

describe('engines beside the platform that go down during a live stream', () => {
  let set: RunningSet;
  let platform: Platform;

  beforeAll(async () => {
    set = await clusterSet.start();
    // The machines of a cluster come up in any order: every engine is still away when the platform starts.
    const back = Promise.all(Object.values(set.engines).map((engine) => engine.restart(awayMs)));
    platform = await Platform.start({ env: set.env });
    await back;
  });

  afterAll(async () => {
    await platform?.stop();
    await set?.stop();
  });

  test('are those that the banner names, and no embedded one runs beside them', () => {
    for (const words of ['Kafka from KAFKA_BROKERS', 'PostgreSQL from DATABASE_URL', 'S3 from S3_ENDPOINT', 'Redis from REDIS_URL'])
      expect(platform.log).toContain(words);
    expect(platform.processes('postgres')).toEqual([]);
    for (const folder of ['log', 'blobs']) expect(existsSync(join(platform.dataDir, folder))).toBe(false);
  });

  test('are waited for at the start, which is told', () => {
    expect(platform.log).toMatch(/Kafka does not answer; waiting for it|waiting for an engine/);
  });

  test('are waited for in the middle: nothing acknowledged is lost, nothing doubled, the player goes on without a reload', async () => {
    const processes = (['gateway', 'media', 'projector'] as const).map(partVictim);
    const toldBy: Record<string, string> = { redis: 'Redis is back; limits are counted there again' };
    const engines = Object.entries(set.engines).map(([name, engine]) => engineVictim(name, engine, { downMs, toldBy: toldBy[name] }));
    const order = [...engines, ...processes];
    const run = await killRun({ platform, kills: order.length, victims: order, width: 640, height: 360 });
    expect(run.kills.map((kill) => kill.part)).toEqual(['kafka', 'postgres', 's3', 'redis', 'gateway', 'media', 'projector']);
    expect(run.acknowledged.length).toBeGreaterThan(0);
    expect(run.pageLoads).toBe(0);
    expect(run.stepsBack).toEqual([]);
    const { segments, ...wrong } = await judge(platform, run);
    expect(segments).toBeGreaterThan(0);
    expect(wrong).toEqual({ lost: [], doubled: [], brokenSequences: [], readModelErrors: [] });
  });
});
