/** @needs chromium ffmpeg */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { TestPackager } from '../../apps/gateway/testing/test-packager.ts';
import { AiredStream } from '../constellation/aired-stream.ts';
import { DashPage, dashPlayers, type DashLook, type DashPlayer } from '../constellation/dash-page.ts';
import { makeMedia } from '../constellation/made-media.ts';
import { until } from '../constellation/platform.ts';
import { MpdWalker } from '../walker/mpd/mpd-walker.ts';

jest.setTimeout(180_000);

const run = promisify(execFile);

interface Probe {
  readonly streams: ReadonlyArray<{ readonly codec_type: string; readonly codec_name: string; readonly height?: number; readonly nb_read_packets: string }>;
}

/** What ffmpeg's own DASH client makes of a manifest. */
async function probe(url: string): Promise<Probe> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-count_packets', '-read_intervals', '%+2', url], {
    timeout: 60_000,
  });
  return JSON.parse(stdout) as Probe;
}

let world: World;
let gateway: RunningGateway;
let stream: AiredStream;
let walker: MpdWalker;
let headers: Record<string, string>;
const pages = new Map<DashPlayer, DashPage>();

async function post(path: string, body: object): Promise<{ readonly id: string }> {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { id: string };
}

beforeAll(async () => {
  const media = await makeMedia({ seconds: 150, heights: [180, 90], startSec: 0, mediaSequence: 0 });
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['publish', 'view', 'operate'])).authorization };
  stream = new AiredStream(world, (await post('/api/v1/stream/start', { name: 'By DASH', dvrWindowSeconds: 600 })).id);
  await stream.begin(media, 20);
  walker = new MpdWalker(manifestUrl());
  walker.start();
});

afterAll(async () => {
  await walker?.stop();
  for (const page of pages.values()) await page.close();
  await stream?.breakOff();
  await gateway?.stop();
  await world?.close();
});

const manifestUrl = (of = stream): string => `${gateway.url}/live/${of.id}/manifest.mpd`;
const manifest = async (of = stream): Promise<string> => (await fetch(manifestUrl(of))).text();
const page = (player: DashPlayer): DashPage => pages.get(player) as DashPage;

/** Waits until a player shows a picture at or behind a place of the presentation, and goes on. */
async function playsBeyond(player: DashPlayer, second: number, of = stream): Promise<DashLook> {
  let newest: unknown;
  return until(
    async () => {
      const [before, picture] = [await page(player).look(), await page(player).viewer.look()];
      await new Promise((resolve) => setTimeout(resolve, 300));
      const later = await page(player).look();
      newest = [later, await manifest(of)];
      return picture !== undefined && before.currentTime >= second && later.currentTime > before.currentTime ? later : undefined;
    },
    50_000,
    () => `${player} does not play beyond ${second} s: ${JSON.stringify(newest)}`,
  );
}

/**
 * Goes to the end of a recording. A dash.js that is sent there while it begins at times fetches nothing, or has all of it and
 * stays paused: it is sent again and told to play, as a viewer would.
 */
async function untilEnded(player: DashPlayer, lengthSec: number): Promise<void> {
  let newest: unknown;
  let sentAt = Date.now();
  await page(player).seek(lengthSec - 2);
  const end = await until(
    async () => {
      const now = await page(player).look();
      newest = [
        now,
        await page(player).viewer.page.evaluate(
          `(({ buffered }) => Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]))(document.querySelector('video'))`,
        ),
      ];
      if (!now.ended && Date.now() - sentAt > 15_000) {
        sentAt = Date.now();
        await page(player).seek(lengthSec - 2.2);
        await page(player).goOn();
      }
      return now.ended ? now : undefined;
    },
    60_000,
    () => `${player} does not come to the end: ${JSON.stringify(newest)}`,
  );
  expect(end.problems).toEqual([]);
}

/** Every manifest that there was, and everything that any of them announced, is as ISO/IEC 23009-1 has it. */
async function conforms(walk: MpdWalker): Promise<void> {
  const { violations, manifests, segments, withoutContent, brokenOff } = await walk.stop();
  expect([...violations]).toEqual([]);
  expect(manifests).toBeGreaterThan(5);
  expect(segments).toBeGreaterThan(10);
  expect(withoutContent).toBeLessThan(10);
  expect(brokenOff).toBeLessThan(10);
}

describe('players that know nothing of us, on a page of another site', () => {
  test.each(dashPlayers)('%s plays it live, near the edge, with sound', async (player) => {
    pages.set(player, await DashPage.open(player, manifestUrl()));
    const seen = await playsBeyond(player, 5);
    expect(seen.audioBytes).toBeGreaterThan(0);
    expect((await page(player).viewer.look())?.brightness).toBeGreaterThan(20);
    expect(seen.problems).toEqual([]);
  });

  test('ffmpeg finds every rendition', async () => {
    const { streams } = await probe(manifestUrl());
    expect(streams.map(({ codec_type, codec_name, height }) => [codec_type, codec_name, height ?? 0].join(' ')).toSorted()).toEqual([
      'audio aac 0',
      'video h264 180',
      'video h264 90',
    ]);
    for (const { nb_read_packets: packets } of streams) expect(Number(packets)).toBeGreaterThan(0);
  });

  test('a key frame that an I-frame playlist names is a picture by itself', async () => {
    const playlistUrl = `${gateway.url}/live/${stream.id}/180p.iframes.m3u8`;
    const playlist = await (await fetch(playlistUrl)).text();
    const [, init = '', size = '', offset = '', uri = ''] = /MAP:URI="(.*?)"[^]*?BYTERANGE:(\d+)@(\d+)\n(\S+)\n/.exec(playlist) ?? [];
    const bytes = async (path: string, range?: string): Promise<Buffer> => {
      const answer = await fetch(new URL(path, playlistUrl), range === undefined ? {} : { headers: { range } });
      return Buffer.from(await answer.arrayBuffer());
    };
    const picture = Buffer.concat([await bytes(init), await bytes(uri, `bytes=${offset}-${Number(offset) + Number(size) - 1}`)]);
    const decoding = run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'], { encoding: 'buffer' });
    decoding.child.stdin?.end(picture);
    expect((await decoding).stdout.length).toBe(320 * 180);
  });

  test('off the air for a while, and back: a new period, and no player has to be loaded anew', async () => {
    await stream.breakOff();
    const { startSec, mediaSequence } = stream.next;
    const media = await makeMedia({ seconds: 150, heights: [180, 90], startSec, mediaSequence });
    // Longer than what players hold: they run dry, and wait.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await stream.begin(media, 4);
    const text = await manifest();
    expect(text.match(/<Period /g)).toHaveLength(2);
    expect(text).toContain(`<Period id="p${mediaSequence}" start="PT${startSec}S">`);
    for (const player of dashPlayers) expect((await playsBeyond(player, startSec + 1)).problems).toEqual([]);
  });

  test('ended, it is a recording: static, played from its beginning, and to its end', async () => {
    await stream.end();
    await post('/api/v1/stream/stop', { id: stream.id });
    await world.settle();
    const text = await manifest();
    const lengthSec = Number(/type="static" mediaPresentationDuration="PT([\d.]+)S"/.exec(text)?.[1]);
    for (const player of dashPlayers) {
      await page(player).close();
      pages.set(player, await DashPage.open(player, manifestUrl()));
      const seen = await playsBeyond(player, 1);
      expect(seen.currentTime).toBeLessThan(60);
      expect(Math.abs((seen.duration ?? 0) - lengthSec)).toBeLessThan(1);
      await untilEnded(player, lengthSec);
    }
  });

  test('its manifests conform, from the first to the last', () => conforms(walker));
});

describe('with low latency', () => {
  let quick: AiredStream;
  let quickWalker: MpdWalker;

  beforeAll(async () => {
    for (const one of pages.values()) await one.close();
    pages.clear();
    quick = new AiredStream(world, (await post('/api/v1/stream/start', { name: 'Two seconds behind' })).id);
    quick.speaks = true;
    await quick.begin(await makeMedia({ seconds: 100, heights: [180, 90], startSec: 0, mediaSequence: 0 }), 10, await TestPackager.open());
    quickWalker = new MpdWalker(manifestUrl(quick));
    quickWalker.start();
  });

  afterAll(async () => {
    await quickWalker?.stop();
    await quick?.breakOff();
  });

  /** Waits until a player holds media of a segment that nobody has stored yet. */
  async function holdsWhatIsMade(player: DashPlayer): Promise<void> {
    let newest: unknown;
    await until(
      async () => {
        const storedSec = quick.next.startSec;
        const heldSec = await page(player).viewer.page.evaluate<number>(
          `(({ buffered }) => (buffered.length === 0 ? 0 : buffered.end(buffered.length - 1)))(document.querySelector('video'))`,
        );
        newest = [storedSec, heldSec, await manifest(quick)];
        return heldSec > storedSec + 0.3;
      },
      50_000,
      () => `${player} holds whole segments alone: ${JSON.stringify(newest)}`,
    );
  }

  test.each(dashPlayers)('%s plays segments while they are made', async (player) => {
    pages.set(player, await DashPage.open(player, manifestUrl(quick)));
    await playsBeyond(player, 5, quick);
    await holdsWhatIsMade(player);
    expect((await page(player).look()).problems).toEqual([]);
  });

  /** Waits until the caption of the segment that is shown is. */
  async function speaks(player: DashPlayer): Promise<void> {
    let newest: unknown;
    await until(
      async () => {
        const { currentTime } = await page(player).look();
        const words = await page(player).words();
        newest = [currentTime, words, (await page(player).look()).problems];
        // Each says its number for as long as its segment lasts.
        return words.length === 1 && Math.abs(currentTime - Number(words[0]?.slice('Number '.length)) * 2 - 1) < 1.3;
      },
      30_000,
      () => `${player} shows no captions: ${JSON.stringify(newest)}`,
    );
  }

  test.each(dashPlayers)('%s shows the captions of what it plays', async (player) => {
    await speaks(player);
    expect((await page(player).look()).problems).toEqual([]);
  });

  test('off the air for a while, and back: the period goes on, without an error or a reload, and captions do in dash.js', async () => {
    await quick.breakOff();
    const { startSec, mediaSequence } = quick.next;
    const media = await makeMedia({ seconds: 100, heights: [180, 90], startSec, mediaSequence });
    // Longer than what players hold, and than a segment that never comes is waited for.
    await new Promise((resolve) => setTimeout(resolve, 8000));
    await quick.begin(media, 1, await TestPackager.open('s-2'));
    for (const player of dashPlayers) {
      expect((await playsBeyond(player, startSec + 3, quick)).problems).toEqual([]);
      await holdsWhatIsMade(player);
    }
    // Shaka Player asks for captions so far ahead after a break that at times they are empty (ADR 0032).
    await speaks('dash.js');
    expect((await manifest(quick)).match(/<Period [^>]*>/g)).toEqual(['<Period id="p0" start="PT0S">']);
  });

  test('ended, it is a recording whose segments are counted, played to its end', async () => {
    await quick.end();
    await post('/api/v1/stream/stop', { id: quick.id });
    await world.settle();
    const text = await until(
      async () => {
        const now = await manifest(quick);
        return now.includes('type="static"') ? now : undefined;
      },
      10_000,
      () => 'The manifest stays open.',
    );
    expect(text).toMatch(/ endNumber="\d+" /);
    expect(text).not.toMatch(/availabilityTime|SegmentTimeline/);
    const lengthSec = Number(/mediaPresentationDuration="PT([\d.]+)S"/.exec(text)?.[1]);
    for (const player of dashPlayers) {
      await page(player).close();
      pages.set(player, await DashPage.open(player, manifestUrl(quick)));
      await playsBeyond(player, 1, quick);
      await untilEnded(player, lengthSec);
    }
  });

  test('its manifests conform, and what they count is there', () => conforms(quickWalker));
});
