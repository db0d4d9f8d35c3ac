/** @needs chromium ffmpeg */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { killRun, victims } from '../constellation/kill-run.ts';
import { Platform } from '../constellation/platform.ts';
import { judge } from '../constellation/run-oracle.ts';

jest.setTimeout(400_000);

describe('kill -9 of each process during a live stream', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start();
  });

  afterAll(async () => {
    await platform?.stop();
  });

  test('heals: nothing acknowledged is lost, nothing doubled, the player goes on without a reload', async () => {
    const run = await killRun({ platform, kills: victims.length, width: 640, height: 360 });
    expect(run.kills.map((kill) => kill.part)).toEqual(victims);
    expect(run.acknowledged.length).toBeGreaterThan(0);
    expect(run.pageLoads).toBe(0);
    expect(run.stepsBack).toEqual([]);
    const { segments, ...wrong } = await judge(platform, run);
    expect(segments).toBeGreaterThan(0);
    expect(wrong).toEqual({ lost: [], doubled: [], brokenSequences: [], readModelErrors: [] });
  });
});
