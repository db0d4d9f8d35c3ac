/** @needs chromium ffmpeg */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { killRun, victims } from '../constellation/kill-run.ts';
import { IngestProcess } from '../interop/rtmp-ingest-process.ts';
import { openHlsPage, playedBy } from '../constellation/hls-page.ts';
import { Platform, until } from '../constellation/platform.ts';
import { openShow, type Show } from '../constellation/show.ts';
import type { Viewer } from '../constellation/viewer.ts';
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

  test('of one of two ingest nodes, for good: its publishers go to the other one, and viewers see one stream', async () => {
    // It shares the first one's database, and the master key of what it writes.
    const other = await IngestProcess.start(platform.databaseUrl, { STREAMS_NODE: 'node-2', STREAMS_DATA_DIR: platform.dataDir, LOG_FORMAT: 'json' });
    const shows = await Promise.all([1, 2].map(() => openShow(platform, other.ports.rtmpPort)));
    let viewer: Viewer | undefined;
    try {
      for (const show of shows) await show.segments(2);
      const page = (viewer = await openHlsPage(`${platform.edgeUrl}/live/${(shows[0] as Show).id}/master.m3u8`));
      const before = await until(
        () => page.look(),
        40_000,
        () => `No picture.\n${page.problems.join('\n')}`,
      );
      const killedAt = Date.now();
      await other.end('SIGKILL');
      for (const show of shows) await show.segments(4);
      // A picture that was drawn after the kill, in the same page.
      await until(
        async () => {
          const seen = await page.look();
          return seen?.latencyMs !== undefined && Date.now() - seen.latencyMs > killedAt + 2000 && seen.currentTime > before.currentTime;
        },
        60_000,
        () => `The player stands still.\n${page.problems.join('\n')}\n${platform.log.slice(-3000)}`,
      );
      const { discontinuities, fatal } = await playedBy(page);
      expect(fatal).toEqual([]);
      expect(discontinuities.length).toBeLessThanOrEqual(2);
      for (const show of shows) expect(await show.judge()).toEqual({ nodes: ['node-2', 'node-1'], unbroken: true, breaks: expect.any(Number) });
      for (const show of shows) expect((await show.judge()).breaks).toBeLessThanOrEqual(1);
    } finally {
      await viewer?.close();
      await Promise.all(shows.map(({ publisher }) => publisher.stop()));
      await other.end('SIGKILL');
    }
  });
});
