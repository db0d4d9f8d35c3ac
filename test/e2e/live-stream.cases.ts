import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Database, PostgresProjectionStore, PostgresReadStore } from '#adapters/postgres';
import { segmentTable, streamsProjection } from '#domain/stream';
import type { EngineSet, RunningSet } from '../constellation/engine-sets.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { DashPage } from '../constellation/dash-page.ts';
import { type Look, showWhatIsDrawnSince, Viewer } from '../constellation/viewer.ts';

interface Created {
  readonly id: string;
  readonly streamKey: string;
}

const screenshots = join(import.meta.dirname, '../../screenshots');

/** What a live stream promises, from a real ffmpeg to a real browser, on a set of engines. */
export function liveStreamCases(set: EngineSet): void {
  describe(`a live stream, from a real ffmpeg to a real browser, on ${set.name}`, () => {
    let engines: RunningSet;
    let platform: Platform;
    let publisher: Publisher;
    let viewer: Viewer;
    let dashPage: DashPage | undefined;
    let stream: Created;

    beforeAll(async () => {
      mkdirSync(screenshots, { recursive: true });
      engines = await set.start();
      platform = await Platform.start({ env: { ...engines.env, FAILOVER_RETURN_MS: '3000' } });
      stream = await platform.api<Created>('POST', '/api/v1/stream/start', { name: 'Evening news', graceSeconds: 5 });
      publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey) });
      viewer = await Viewer.open(platform.signInUrl);
    });

    afterAll(async () => {
      await dashPage?.close();
      await viewer?.close();
      await publisher?.stop();
      await platform?.stop();
      await engines?.stop();
    });

    const look = (): Promise<Look> =>
      until(
        () => viewer.look(),
        30_000,
        () => `No picture.\n${viewer.problems.join('\n')}\n${platform.log.slice(-3000)}`,
      );
    const playlist = async (path: string): Promise<string> => (await fetch(`${platform.edgeUrl}/live/${stream.id}/${path}`)).text();

    const eventsOf = (type: string): Promise<{ items: ReadonlyArray<{ time: string; data: { step?: string } }> }> =>
      platform.api('GET', `/api/v1/events?type=${type}&key=${stream.id}&limit=100`);

    /** How often the log says that pictures are coded in another way from there on, because the machine could not encode them in time. */
    const cheaperPictures = async (): Promise<number> =>
      (await eventsOf('encoding.adapted')).items.filter(({ data }) => data.step === 'preset' || data.step === 'frame-rate').length;

    /** Both encoders' pictures are coded alike: there is no new period, and segments go out while they are made, as before. */
    async function staysAtTheLiveEdge(page: DashPage): Promise<void> {
      const manifest = await playlist('manifest.mpd');
      const periods = manifest.match(/<Period /g)?.length ?? 0;
      expect(periods).toBeGreaterThanOrEqual(1);
      expect(periods).toBeLessThanOrEqual(1 + (await cheaperPictures()));
      const templates = manifest.match(/<SegmentTemplate [^>]*media="(?!thumbnails)[^>]*>/g) ?? [];
      expect(templates.length).toBeGreaterThanOrEqual(2 * periods);
      expect(templates.filter((template) => !template.includes('availabilityTimeComplete="false"'))).toEqual([]);
      expect(manifest).toContain('<Latency ');
      // Of listed segments it would be three of them.
      expect(await page.viewer.page.evaluate('player.getTargetLiveDelay()')).toBe(2);
      await showWhatIsDrawnSince([page.viewer], Date.now(), 'dash.js shows nothing new.');
      expect((await page.look()).problems).toEqual([]);
    }

    test('plays: the time moves, the picture is not black, and its timecode tells the latency', async () => {
      const first = await look();
      const later = await until(
        async () => {
          const seen = await viewer.look();
          return seen !== undefined && seen.currentTime > first.currentTime + 4 && seen.latencyMs !== undefined ? seen : undefined;
        },
        40_000,
        () => 'The time does not move.',
      );
      expect(later.decodedFrames).toBeGreaterThan(first.decodedFrames);
      expect(later.brightness).toBeGreaterThan(20);
      expect(later.latencyMs).toBeGreaterThan(0);
      expect(viewer.problems).toEqual([]);
      await viewer.page.screenshot({ path: join(screenshots, 'console.png') });
    });

    test('offers a ladder that does not scale up, and switches levels while it plays', async () => {
      const master = await playlist('master.m3u8');
      const heights = [...master.matchAll(/^#EXT-X-STREAM-INF:.*RESOLUTION=\d+x(\d+)/gm)].map((match) => Number(match[1]));
      expect(heights.toSorted((a, b) => b - a)).toEqual([720, 480, 240]);
      const quality = viewer.page.getByTestId('quality');
      const labels = await quality.locator('option').allTextContents();
      await quality.selectOption(String(labels.indexOf('240p') - 1));
      const low = await until(
        async () => {
          const seen = await viewer.look();
          return seen?.height === 240 ? seen : undefined;
        },
        30_000,
        () => 'The picture did not become small.',
      );
      expect(low.brightness).toBeGreaterThan(20);
      await quality.selectOption('-1');
    });

    test('shows every step as an event', async () => {
      const tape = viewer.page.getByTestId('events');
      for (const type of ['stream.created', 'stream.started', 'encoding.started', 'segment.produced', 'edge.reported']) {
        const { items } = await platform.api<{ items: readonly { type: string }[] }>('GET', `/api/v1/events?type=${type}&limit=1`);
        expect(items.map((item) => item.type)).toEqual([type]);
      }
      await until(
        async () => ((await tape.textContent()) ?? '').includes('segment.produced'),
        10_000,
        () => 'The tape shows no segments.',
      );
    });

    test('the edge serves from memory, and forgets what is purged', async () => {
      const media = await playlist('720p.m3u8');
      const segment = /media\/\S+\.m4s/.exec(media)?.[0];
      expect(segment).toBeDefined();
      const url = `${platform.edgeUrl}/${segment}`;
      const status = async (): Promise<string> => {
        const response = await fetch(url);
        await response.arrayBuffer();
        return response.headers.get('cache-status') ?? '';
      };
      await status();
      await until(
        async () => /hit/.test(await status()),
        10_000,
        () => 'The segment was not kept.',
      );
      await viewer.page.getByLabel('Purge a URL or path from every edge').fill(`/${segment}`);
      await viewer.page.getByTestId('purge').click();
      await until(
        async () =>
          /1 of 1 edges, slowest after \d+ ms/.test(
            (await viewer.page
              .getByTestId('purge-result')
              .textContent()
              .catch(() => '')) ?? '',
          ),
        15_000,
        () => 'The purge was not applied.',
      );
      expect(await status()).not.toMatch(/; ?hit/);
      // The player may ask at the same moment: then this one waits for its fill.
      await until(
        async () => /hit/.test(await status()),
        10_000,
        () => 'The purged segment was not kept again.',
      );
    });

    test('fits a phone, in the dark', async () => {
      await viewer.page.emulateMedia({ colorScheme: 'dark' });
      await viewer.page.setViewportSize({ width: 390, height: 844 });
      await look();
      const overflow = await viewer.page.evaluate('document.documentElement.scrollWidth - innerWidth');
      await viewer.page.screenshot({ path: join(screenshots, 'console-phone-dark.png') });
      expect(overflow).toBe(0);
    });

    test('goes over to a second encoder when the first is killed, in the same page, and so does dash.js on a page of another site', async () => {
      const url = platform.rtmpUrl(stream.streamKey).replace(`:${platform.ports.rtmp}/`, `:${platform.ports.rtmpBackup}/`);
      const backup = new Publisher({ url });
      const first = publisher;
      publisher = backup;
      dashPage = await DashPage.open('dash.js', `${platform.edgeUrl}/live/${stream.id}/manifest.mpd`);
      const viewers = [viewer, dashPage.viewer];
      for (const { page } of viewers) await page.evaluate('window.neverReloaded = true');
      const bar = viewer.page.getByTestId('publishers');
      await until(
        async () => /primary: on air.*backup: in waiting/.test((await bar.textContent().catch(() => '')) ?? ''),
        30_000,
        () => `There is no second publisher.\n${backup.log}`,
      );
      await showWhatIsDrawnSince(viewers, 0, 'dash.js shows no picture.');
      await first.stop('SIGKILL');
      // The encoder that was killed cannot have drawn it.
      await showWhatIsDrawnSince(viewers, Date.now() + 100, 'The second encoder is not seen.');
      for (const { page } of viewers) expect(await page.evaluate('window.neverReloaded')).toBe(true);
      expect((await dashPage.look()).problems).toEqual([]);
      await staysAtTheLiveEdge(dashPage);
      const detail = await platform.api<{ publishers: readonly object[]; failover: object }>('GET', `/api/v1/streams/${stream.id}`);
      expect(detail).toMatchObject({ status: 'live', publishers: [{ endpoint: 'backup', active: true }], failover: { lastReason: expect.any(String) } });
    });

    test('goes back to the first when it is there again, and who comes then sees it by DASH as early as before', async () => {
      const back = new Publisher({ url: platform.rtmpUrl(stream.streamKey) });
      const backup = publisher;
      publisher = back;
      const onAir = async (): Promise<string | undefined> => {
        const { publishers } = await platform.api<{ publishers: readonly { endpoint: string; active: boolean }[] }>('GET', `/api/v1/streams/${stream.id}`);
        return publishers.find(({ active }) => active)?.endpoint;
      };
      await until(
        async () => (await onAir()) === 'primary',
        40_000,
        () => `The first encoder is not gone back to.\n${back.log}`,
      );
      await staysAtTheLiveEdge(dashPage as DashPage);
      await dashPage?.close();
      dashPage = await DashPage.open('dash.js', `${platform.edgeUrl}/live/${stream.id}/manifest.mpd`);
      await until(
        async () => (await dashPage?.viewer.look()) !== undefined,
        30_000,
        () => 'Who comes then sees nothing.',
      );
      await staysAtTheLiveEdge(dashPage);
      await dashPage.close();
      dashPage = undefined;
      await backup.stop();
    });

    test('a stopped stream is a recording from its first segment to its last', async () => {
      const before = await platform.api<{ renditions: readonly { segments: readonly { mediaSequence: number }[] }[] }>('GET', `/api/v1/streams/${stream.id}`);
      const newest = Math.max(...before.renditions.flatMap((rendition) => rendition.segments.map((one) => one.mediaSequence)));
      await platform.api('POST', '/api/v1/stream/stop', { id: stream.id });
      await publisher.ended();
      await viewer.page.request.get(`${platform.edgeUrl}/live/${stream.id}/720p.m3u8`);
      const recording = await until(
        async () => {
          const text = await playlist('720p.m3u8');
          return text.includes('#EXT-X-ENDLIST') ? text : undefined;
        },
        20_000,
        () => 'The playlist has no end.',
      );
      expect(recording).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
      expect(recording).toContain('#EXT-X-MEDIA-SEQUENCE:0');
      expect([...recording.matchAll(/^#EXTINF/gm)].length).toBeGreaterThan(newest);
    });

    test('read models emptied and rebuilt from the log give the same playlists, byte for byte', async () => {
      const paths = ['master.m3u8', '720p.m3u8', '480p.m3u8', '240p.m3u8', 'audio.m3u8'];
      // The gateway renders; the edge would answer from its memory. Small pictures are rows of another read model, and the last ones may still come.
      const playlists = (): Promise<string[]> =>
        Promise.all(
          paths.map(async (path) => (await (await fetch(`${platform.gatewayUrl}/live/${stream.id}/${path}`)).text()).replaceAll(/^#EXT-X-IMAGE.*\n/gm, '')),
        );
      // The encoder stores its last, shorter segments after the stream was stopped; those before it ended by switches.
      const newest = async (type: string): Promise<string> => (await eventsOf(type)).items[0]?.time ?? '';
      await until(
        async () => (await newest('encoding.ended')) > (await newest('stream.stopped')),
        60_000,
        () => 'The encoder did not end.',
      );
      const before = await until(
        async () => {
          const [one, other] = [await playlists(), await new Promise((resolve) => setTimeout(resolve, 1000)).then(playlists)];
          return JSON.stringify(one) === JSON.stringify(other) ? other : undefined;
        },
        30_000,
        () => 'The recording keeps changing.',
      );
      expect(before.every((text) => text.startsWith('#EXTM3U'))).toBe(true);
      const database = new Database({ url: platform.databaseUrl, connectionsMax: 1 });
      try {
        await new PostgresProjectionStore(database).reset(streamsProjection);
        expect(await new PostgresReadStore(database).select(segmentTable, { limit: 1 })).toEqual([]);
      } finally {
        await database.close();
      }
      // It keeps segments that it was asked for: the next one has none but the rows'.
      expect(platform.kill('gateway')).toBeDefined();
      let rebuilt: string[] = [];
      const difference = (): string => {
        const at = before.findIndex((text, n) => text !== rebuilt[n]);
        const [is, was] = [rebuilt[at] ?? '', before[at] ?? ''].map((text) => text.split('\n'));
        const line = is?.findIndex((one, n) => one !== was?.[n]) ?? 0;
        return `${paths[at]}, line ${line + 1}:\nbefore:  ${was?.slice(line, line + 3).join('\n')}\nrebuilt: ${is?.slice(line, line + 3).join('\n')}`;
      };
      await until(
        async () => {
          rebuilt = await playlists().catch(() => []);
          return JSON.stringify(rebuilt) === JSON.stringify(before);
        },
        60_000,
        () => `The rebuilt playlists differ. ${difference()}`,
      );
    });
  });
}
