/** @needs chromium ffmpeg */
import { jest, afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DashPage } from '../constellation/dash-page.ts';
import { KeyFrameWatch } from '../constellation/key-frame-watch.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { showWhatIsDrawnSince } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

interface Created {
  readonly id: string;
  readonly streamKey: string;
}

interface Joined {
  readonly sessionId: string;
  readonly endpoint: string;
  readonly relayUrl: string;
}

interface Stored {
  readonly rendition: string;
  readonly mediaSequence: number;
  readonly startUs: number;
  readonly durationUs: number;
  readonly discontinuity: boolean;
}

const picture = { width: 320, height: 180, frameRate: 15, videoBitrate: '300k' };
const groupMs = 2000;
/** So far behind the primary's key frames those of the backup come: further than where DASH players would still count to its segments. */
const phaseMs = { wanted: 1400, least: 1150, most: 1650 };

describe('a stream that is carried as it is, whose backup has its key frames at another phase', () => {
  let platform: Platform;
  let stream: Created;
  let page: DashPage | undefined;
  const publishers: Publisher[] = [];
  const watches: KeyFrameWatch[] = [];

  beforeAll(async () => {
    platform = await Platform.start();
    const ladder = [{ name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true }];
    stream = await platform.api<Created>('POST', '/api/v1/stream/start', { name: 'Carried', graceSeconds: 30, ladder });
  });

  afterAll(async () => {
    for (const watch of watches) watch.stop();
    await page?.close();
    for (const publisher of publishers) await publisher.stop();
    await platform?.stop();
  });

  const eventsOf = async <T>(type: string): Promise<readonly T[]> => {
    const { items } = await platform.api<{ items: ReadonlyArray<{ data: T }> }>('GET', `/api/v1/events?type=${type}&key=${stream.id}&limit=100`);
    return items.map(({ data }) => data);
  };

  /** Begins to publish, and to watch for its key frames. */
  async function publish(endpoint: 'primary' | 'backup'): Promise<{ readonly publisher: Publisher; readonly watch: KeyFrameWatch }> {
    const type = endpoint === 'primary' ? 'stream.started' : 'publisher.joined';
    const known = (await eventsOf<Joined>(type)).length;
    const url = platform.rtmpUrl(stream.streamKey);
    const ofBackup = url.replace(`:${platform.ports.rtmp}/`, `:${platform.ports.rtmpBackup}/`);
    const publisher = new Publisher({ url: endpoint === 'primary' ? url : ofBackup, ...picture });
    publishers.push(publisher);
    const { relayUrl, sessionId } = await until(
      async () => {
        const all = await eventsOf<Joined>(type);
        return all.length > known ? all[0] : undefined;
      },
      30_000,
      () => `The ${endpoint} is not heard.\n${publisher.log}`,
    );
    const watch = new KeyFrameWatch(relayUrl, sessionId);
    watches.push(watch);
    await keyFrameOf(watch);
    return { publisher, watch };
  }

  /** Waits for the next one. */
  async function keyFrameOf(watch: KeyFrameWatch): Promise<number> {
    const before = watch.newestMs;
    await until(
      () => watch.newestMs !== undefined && watch.newestMs !== before,
      15_000,
      () => 'No key frame comes.',
      5,
    );
    return watch.newestMs ?? 0;
  }

  /** Begins the backup until its key frames come about where they are wanted; how far behind the primary's that is. */
  async function publishBackup(primary: KeyFrameWatch): Promise<{ readonly watch: KeyFrameWatch; readonly isBehindMs: number }> {
    for (let tries = 0; ; tries++) {
      const begunAt = Date.now();
      const { publisher, watch } = await publish('backup');
      const isBehindMs = ((watch.newestMs ?? 0) - (primary.newestMs ?? 0) + 10 * groupMs) % groupMs;
      if (isBehindMs >= phaseMs.least && isBehindMs <= phaseMs.most) return { watch, isBehindMs };
      if (tries === 6) throw new Error(`The backup's key frames come ${isBehindMs} ms behind the primary's, however often it is begun.`);
      await publisher.stop();
      await until(
        async () => (await eventsOf('publisher.left')).length > tries,
        15_000,
        () => 'The backup does not leave.',
      );
      // It takes about as long to begin as it did: where it is begun a whole number of groups later, but for what is to be made up.
      const laterMs = phaseMs.wanted - isBehindMs + 20 * groupMs;
      await new Promise((resolve) => setTimeout(resolve, (laterMs - (Date.now() - begunAt)) % groupMs));
    }
  }

  test('is counted on by DASH players behind a failover, at the live edge as before', async () => {
    const primary = await publish('primary');
    const backup = await publishBackup(primary.watch);
    page = await DashPage.open('dash.js', `${platform.edgeUrl}/live/${stream.id}/manifest.mpd`);
    await showWhatIsDrawnSince([page.viewer], 0, 'dash.js shows no picture.');
    await keyFrameOf(backup.watch);
    await primary.publisher.stop('SIGKILL');
    await showWhatIsDrawnSince([page.viewer], Date.now() + 100, 'The backup is not seen.');
    const segments = (await eventsOf<Stored>('segment.produced')).filter(({ rendition }) => rendition === 'source').toReversed();
    const cut = segments.findIndex(({ durationUs }) => durationUs < 1_900_000);
    // Of a publisher that does not keep its own pace, for want of a processor, segments are listed anyhow.
    if (segments.slice(0, cut).every(({ durationUs }) => durationUs <= 2_100_000)) {
      expect(segments[cut + 1]).toMatchObject({ discontinuity: true, startUs: (segments[cut]?.startUs ?? 0) + (segments[cut]?.durationUs ?? 0) });
      const manifest = await (await fetch(`${platform.edgeUrl}/live/${stream.id}/manifest.mpd`)).text();
      expect([...manifest.matchAll(/<Period id="(\w+)"/g)].map(([, id]) => id)).toEqual(['p0', `p${segments[cut + 1]?.mediaSequence}`]);
      expect(manifest.match(/<SegmentTemplate [^>]*availabilityTimeComplete="false"/g)).toHaveLength(4);
      expect(manifest).toContain('<Latency ');
      expect(await page.viewer.page.evaluate('player.getTargetLiveDelay()')).toBe(2);
    }
    // Not for a moment alone: what it holds lasts for three segments at most.
    await new Promise((resolve) => setTimeout(resolve, 8000));
    await showWhatIsDrawnSince([page.viewer], Date.now(), 'dash.js shows nothing new.');
    expect((await page.look()).problems).toEqual([]);
  });
});
