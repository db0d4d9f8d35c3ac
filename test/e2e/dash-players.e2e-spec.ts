/** @needs chromium ffmpeg */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { encodingEnded, encodingStarted, segmentProduced } from '#events';
import { startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { DashPage, dashPlayers, type DashLook, type DashPlayer } from '../constellation/dash-page.ts';
import { makeMedia, type MadeMedia } from '../constellation/made-media.ts';
import { until } from '../constellation/platform.ts';

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

/** A stream whose packager speaks in real time, with media that was made before: nothing here depends on how fast this machine encodes. */
class AiredStream {
  readonly id: string;
  readonly #world: World;
  #epoch = 0;
  /** Ends the segments that are still to come. */
  #stop = new AbortController();
  #airing: Promise<void> = Promise.resolve();
  /** Where the next run of media begins: its number, and its place in seconds. */
  next = { mediaSequence: 0, startSec: 0 };

  constructor(world: World, id: string) {
    this.#world = world;
    this.id = id;
  }

  /** Goes on air: what is older than `pastSec` ago is there at once, the rest segment by segment as time goes by. */
  async begin({ renditions, groups }: MadeMedia, pastSec: number): Promise<void> {
    const { facts, engines } = this.#world;
    const epoch = ++this.#epoch;
    const producer = { id: `media:${this.id}`, epoch: BigInt(epoch) };
    const about = { streamId: this.id, sessionId: `s-${epoch}`, epoch };
    const source = { videoCodec: 'h264', audioCodec: 'aac', width: 320, height: 180, frameRate: 25 };
    const announced = renditions.map(({ name, kind, track }) =>
      kind === 'audio'
        ? { name, kind, codecs: track.codecs, bandwidth: 80_000, channels: 2 }
        : { name, kind, codecs: track.codecs, bandwidth: 1000 * Number.parseInt(name, 10), width: track.width ?? 1, height: track.height ?? 1, frameRate: 25 },
    );
    await facts.publish('stream', [encodingStarted.draft({ ...about, node: 'media-1', encoder: 'libx264', source, renditions: announced })], { producer });
    const inits = new Map(await Promise.all(renditions.map(async ({ name, init, track }) => [name, { ...(await engines.blobs.put(init)), track }] as const)));
    const beganMs = Date.now() - pastSec * 1000;
    const firstUs = groups[0]?.segments[0]?.startUs ?? 0;
    const say = async ({ mediaSequence, segments }: MadeMedia['groups'][number]): Promise<void> => {
      const drafts = await Promise.all(
        segments.map(async ({ rendition, bytes, startUs, durationUs, startTicks, durationTicks, keyFrames }) => {
          const stored = await engines.blobs.put(bytes);
          const init = inits.get(rendition) as { cid: string; sizeBytes: number; track: MadeMedia['renditions'][number]['track'] };
          const { timescale, codecs, width, height, channels } = init.track;
          const size = width === undefined || height === undefined ? {} : { width, height };
          return segmentProduced.draft({
            ...{ ...about, rendition, mediaSequence, cid: stored.cid, sizeBytes: stored.sizeBytes, initCid: init.cid, initSizeBytes: init.sizeBytes },
            ...{ startUs, durationUs, startTicks, durationTicks, programDateTimeMs: beganMs + Math.floor((startUs - firstUs) / 1000) },
            discontinuity: epoch > 1 && mediaSequence === groups[0]?.mediaSequence,
            track: { timescale, codecs, ...size, ...(channels === undefined ? {} : { channels }) },
            ...(keyFrames.length === 0 ? {} : { keyFrames: [...keyFrames] }),
          });
        }),
      );
      await facts.publish('stream', drafts, { producer });
      const endUs = Math.max(...segments.map(({ startUs, durationUs }) => startUs + durationUs));
      this.next = { mediaSequence: mediaSequence + 1, startSec: 2 * Math.ceil((endUs - 50_000) / 2_000_000) };
    };
    const dueMs = ({ segments: [first] }: MadeMedia['groups'][number]): number => beganMs + ((first?.startUs ?? 0) + (first?.durationUs ?? 0) - firstUs) / 1000;
    const past = groups.filter((group) => dueMs(group) <= Date.now());
    for (const group of past) await say(group);
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#airing = (async () => {
      for (const group of groups.slice(past.length)) {
        while (Date.now() < dueMs(group) && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
        if (signal.aborted) return;
        await say(group);
      }
    })();
    await this.#world.settle();
  }

  /** Off the air; what was said stands. */
  async breakOff(): Promise<void> {
    this.#stop.abort();
    await this.#airing;
  }

  async end(): Promise<void> {
    await this.breakOff();
    const ended = {
      streamId: this.id,
      sessionId: `s-${this.#epoch}`,
      epoch: this.#epoch,
      node: 'media-1',
      reason: 'stopped' as const,
      exitCode: 0,
      lastLines: [],
    };
    await this.#world.facts.publish('stream', [encodingEnded.draft(ended)], { producer: { id: `media:${this.id}`, epoch: BigInt(this.#epoch) } });
    await this.#world.settle();
  }
}

let world: World;
let gateway: RunningGateway;
let stream: AiredStream;
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
});

afterAll(async () => {
  for (const page of pages.values()) await page.close();
  await stream?.breakOff();
  await gateway?.stop();
  await world?.close();
});

const manifestUrl = (): string => `${gateway.url}/live/${stream.id}/manifest.mpd`;
const manifest = async (): Promise<string> => (await fetch(manifestUrl())).text();
const page = (player: DashPlayer): DashPage => pages.get(player) as DashPage;

/** Waits until a player shows a picture at or behind a place of the presentation, and goes on. */
async function playsBeyond(player: DashPlayer, second: number): Promise<DashLook> {
  let newest: unknown;
  return until(
    async () => {
      const [before, picture] = [await page(player).look(), await page(player).viewer.look()];
      await new Promise((resolve) => setTimeout(resolve, 300));
      const later = await page(player).look();
      newest = [later, await manifest()];
      return picture !== undefined && before.currentTime >= second && later.currentTime > before.currentTime ? later : undefined;
    },
    50_000,
    () => `${player} does not play beyond ${second} s: ${JSON.stringify(newest)}`,
  );
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
      await page(player).seek(lengthSec - 2);
      const end = await until(
        async () => {
          const now = await page(player).look();
          return now.ended ? now : undefined;
        },
        30_000,
        () => `${player} does not come to the end.`,
      );
      expect(end.problems).toEqual([]);
    }
  });
});
