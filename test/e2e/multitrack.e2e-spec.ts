/** @needs chromium ffmpeg */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { MultitrackPublisher } from '../constellation/multitrack-publisher.ts';
import { playerSite } from '../constellation/dash-page.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { Viewer } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

const run = promisify(execFile);

/** Runs in the page: from then on `heardHertz` tells the loudest tone of its video. */
function hearing(): void {
  const page = globalThis as unknown as {
    document: { querySelector(name: string): { muted: boolean; volume: number } };
    AudioContext: new () => {
      sampleRate: number;
      destination: unknown;
      createAnalyser(): { fftSize: number; frequencyBinCount: number; getFloatFrequencyData(into: Float32Array): void; connect(to: unknown): void };
      createMediaElementSource(of: unknown): { connect(to: unknown): void };
    };
    heardHertz: () => number;
  };
  const video = page.document.querySelector('video');
  video.muted = false;
  const context = new page.AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaElementSource(video).connect(analyser);
  analyser.connect(context.destination);
  page.heardHertz = () => {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return (bins[loudest] as number) < -80 ? 0 : (loudest * context.sampleRate) / analyser.fftSize;
  };
}

interface Created {
  readonly id: string;
  readonly streamKey: string;
}

describe('a publisher that sends its ladder over one connection', () => {
  let platform: Platform;
  let stream: Created;
  let ladder: MultitrackPublisher;
  let viewer: Viewer;

  beforeAll(async () => {
    platform = await Platform.start();
    stream = await platform.api<Created>('POST', '/api/v1/stream/start', {
      name: 'Ladder',
      graceSeconds: 30,
      ladder: [{ name: 'source', height: 2160, videoBitrate: 6_000_000, passThrough: true }],
    });
    ladder = await MultitrackPublisher.start({
      port: platform.ports.rtmp,
      streamKey: stream.streamKey,
      sizes: ['640x360', '426x240', '256x144'],
      second: { hertz: 1760, language: 'de' },
    });
    viewer = await Viewer.open(platform.signInUrl);
  });

  afterAll(async () => {
    ladder?.stop();
    await viewer?.close();
    await platform?.stop();
  });

  const fetched = async (path: string): Promise<string> => (await fetch(`${platform.edgeUrl}/live/${stream.id}/${path}`)).text();
  const encodings = async (): Promise<ReadonlyArray<{ readonly encoder: string; readonly renditions: ReadonlyArray<{ readonly name: string }> }>> => {
    type Page = {
      readonly items: ReadonlyArray<{ readonly data: { readonly encoder: string; readonly renditions: ReadonlyArray<{ readonly name: string }> } }>;
    };
    return (await platform.api<Page>('GET', `/api/v1/events?type=encoding.started&limit=20`)).items.map(({ data }) => data);
  };
  let seen = '';
  const played = (heightWanted: number): Promise<unknown> =>
    until(
      async () => {
        const look = await viewer.look();
        seen = JSON.stringify(look);
        return look?.height === heightWanted;
      },
      40_000,
      () => `No picture of ${heightWanted} lines, but ${seen}.\n${viewer.problems.join('\n')}\n${platform.log.slice(-3000)}`,
    );
  async function choose(name: string): Promise<void> {
    const quality = viewer.page.getByTestId('quality');
    await until(
      async () => (await quality.locator('option').allTextContents()).some((label) => label === name),
      40_000,
      () => `${name} is not offered.`,
    );
    await quality.selectOption(String((await quality.locator('option').allTextContents()).indexOf(name) - 1));
  }

  test('is played by hls.js, which changes between its tracks, and nothing is encoded', async () => {
    await choose('144p');
    await played(144);
    await choose('360p');
    await played(360);
    await choose('240p');
    await played(240);
    const [newest] = await encodings();
    expect([newest?.encoder, newest?.renditions.map(({ name }) => name)]).toEqual(['none', ['source', '240p', '144p', 'audio', 'audio-1']]);
    expect(viewer.problems).toEqual([]);
  });

  test('has a second language, which listeners choose in the player, and which DASH players list', async () => {
    const master = await fetched('master.m3u8');
    expect([...master.matchAll(/^#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",(.*),AUTOSELECT=YES,.*URI="([^"]+)"/gm)].map(([, told, uri]) => [told, uri])).toEqual(
      [
        ['NAME="Main",DEFAULT=YES', 'audio.m3u8'],
        ['NAME="Deutsch",LANGUAGE="de",DEFAULT=NO', 'audio-1.m3u8'],
      ],
    );
    const listener = await Viewer.open(`${platform.edgeUrl}/embed/${stream.id}?autoplay=1`);
    try {
      await listener.page.evaluate(hearing as never);
      const hears = (hertz: number): Promise<unknown> =>
        until(
          async () => Math.abs(Number(await listener.page.evaluate('heardHertz()')) - hertz) < 40,
          60_000,
          () => `Not heard: ${hertz} Hz. ${listener.problems.join(' ')}`,
        );
      await hears(440);
      const chosen = async (name: string): Promise<void> => {
        await listener.page.mouse.move(200, 60 + Math.random() * 40);
        await listener.page.getByTestId('sound').click();
        await listener.page.getByRole('menuitemradio', { name }).click();
      };
      await chosen('Deutsch');
      await hears(1760);
      await chosen('Main');
      await hears(440);
      expect(listener.problems).toEqual([]);
      const site = await playerSite('dash.js', `${platform.edgeUrl}/live/${stream.id}/manifest.mpd`);
      await listener.page.goto(site.url);
      await listener.page.evaluate(site.play);
      await until(
        async () => String(await listener.page.evaluate("player.getTracksFor('audio').map(({ lang, roles }) => `${lang} ${roles[0].value}`).join()")) !== '',
        60_000,
        () => 'dash.js lists no sound.',
      );
      const listed = await listener.page.evaluate("player.getTracksFor('audio').map(({ lang, roles }) => `${lang} ${roles[0].value}`)");
      expect(listed).toEqual([expect.stringMatching(/ main$/), 'de alternate']);
      site.close();
    } finally {
      await listener.close();
    }
  });

  test('has its playlists compressed through the edge, once for each coding, and told apart', async () => {
    const asked = (coding: string, file = 'master.m3u8?start=-2'): Promise<Response> =>
      fetch(`${platform.edgeUrl}/live/${stream.id}/${file}`, { headers: { 'accept-encoding': coding } });
    for (const file of ['master.m3u8?start=-2', '240p.m3u8', 'manifest.mpd'])
      for (const coding of ['gzip', 'br', 'zstd', 'identity', 'gzip']) {
        const answer = await asked(coding, file);
        expect([file, coding, answer.headers.get('content-encoding'), answer.headers.get('vary')?.toLowerCase()]).toEqual([
          file,
          coding,
          coding === 'identity' ? null : coding,
          'accept-encoding',
        ]);
        // `fetch` has decoded it.
        expect(await answer.text()).toMatch(/^#EXTM3U|^<\?xml/);
      }
  });

  test('is listed whole in HLS, DASH and transport streams, with equal windows', async () => {
    const resolutions = (text: string): string[] => [...text.matchAll(/^#EXT-X-STREAM-INF:.*RESOLUTION=(\d+x\d+)/gm)].map(([, size]) => size as string);
    expect(resolutions(await fetched('master.m3u8'))).toEqual(['640x360', '426x240', '256x144']);
    expect(resolutions(await fetched('ts/master.m3u8'))).toEqual(['640x360', '426x240', '256x144']);
    const mpd = await fetched('manifest.mpd');
    const listed = [...mpd.matchAll(/<Representation id="([\w-]+)"/g)].map(([, id]) => id);
    // Pictures for scrubbing come when there are enough of them.
    expect(listed.filter((id) => id !== 'thumbnails')).toEqual(['source', '240p', '144p', 'audio', 'audio-1']);
    const first = async (name: string): Promise<string | undefined> => /#EXT-X-MEDIA-SEQUENCE:\d+/.exec(await fetched(`${name}.m3u8`))?.[0];
    expect(new Set(await Promise.all(['source', '240p', '144p', 'audio', 'audio-1'].map(first))).size).toBe(1);
    const argv = ['-v', 'error', '-show_entries', 'stream=codec_name,height', '-of', 'csv=p=0', `${platform.edgeUrl}/live/${stream.id}/ts/144p.m3u8`];
    const { stdout, stderr } = await run('ffprobe', argv);
    expect([stderr, [...new Set(stdout.match(/^\w+/gm))], stdout.includes('h264,144')]).toEqual(['', ['h264', 'aac'], true]);
    expect(await fetched('ts/master.m3u8')).toMatch(/^#EXT-X-MEDIA:TYPE=AUDIO,.*LANGUAGE="de",.*URI="audio-1.m3u8"$/m);
    const heard = await run('ffprobe', [...argv.slice(0, -1), `${platform.edgeUrl}/live/${stream.id}/ts/audio-1.m3u8`]);
    expect([heard.stderr, [...new Set(heard.stdout.match(/^\w+/gm))]]).toEqual(['', ['aac']]);
  });

  test('gives way to a backup with one track when the command line says so: whoever watches a small picture goes on', async () => {
    await choose('144p');
    await played(144);
    const backup = new Publisher({
      url: `rtmp://127.0.0.1:${platform.ports.rtmpBackup}/live/${stream.streamKey}`,
      width: 480,
      height: 270,
      videoBitrate: '500k',
    });
    try {
      await until(
        async () => (await platform.api<{ items: readonly unknown[] }>('GET', '/api/v1/events?type=publisher.joined&limit=1')).items.length > 0,
        40_000,
        () => `The backup did not join: ${backup.log}`,
      );
      const env = { ...process.env, STREAMS_DATA_DIR: platform.dataDir, GATEWAY_PORT: String(platform.ports.gateway), STREAMS_URL: '', STREAMS_KEY: '' };
      const main = join(import.meta.dirname, '../../apps/streams/main.js');
      const streams = (...args: readonly string[]): Promise<string> =>
        new Promise((resolve) => {
          const child = spawn(process.execPath, [main, 'stream', 'switch', ...args], { env });
          let out = '';
          for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => (out += chunk.toString()));
          child.on('close', (code) => resolve(`${code} ${out}`));
        });
      expect(await streams(stream.id, 'backup')).toMatch(/^2 .*--reason/s);
      expect(await streams(stream.id, 'somewhere', '--reason', 'none')).toMatch(/^[1-9] .*primary/s);
      expect(await streams(stream.id, 'backup', '--reason', 'a smaller picture')).toBe(
        `0 Stream ${stream.id} goes over to its backup publisher, and prefers it from now on.\n`,
      );
      const before = viewer.problems.length;
      await played(270);
      expect(viewer.problems.slice(before)).toEqual([]);
      const [newest] = await encodings();
      expect([newest?.encoder, newest?.renditions.map(({ name }) => name)]).toEqual(['none', ['source', '240p', '144p', 'audio', 'audio-1']]);
      expect(JSON.parse((await streams(stream.id, 'primary', '--reason', 'back', '--json')).slice(2))).toEqual({ id: stream.id, preferred: 'primary' });
      await played(144);
    } finally {
      await backup.stop();
    }
  });

  test('is cut into a clip, and a recording with all of its tracks when it has ended', async () => {
    const { items } = await platform.api<{ items: ReadonlyArray<{ readonly time: string }> }>('GET', '/api/v1/events?type=segment.produced&limit=1');
    const until_ = Date.parse((items[0] as { time: string }).time) - 4000;
    const clip = await platform.api<{ id: string }>('POST', `/api/v1/stream/${stream.id}/clip`, {
      name: 'A moment',
      from: new Date(until_ - 5000).toISOString(),
      until: new Date(until_).toISOString(),
    });
    expect(clip.id).toBeTruthy();
    await platform.api('POST', '/api/v1/stream/stop', { id: stream.id });
    ladder.stop();
    const ended = await until(
      async () => {
        const lists = await Promise.all(['source', '240p', '144p'].map((name) => fetched(`${name}.m3u8`)));
        return lists.every((text) => text.includes('#EXT-X-ENDLIST')) ? lists : undefined;
      },
      40_000,
      () => 'It did not end.',
    );
    const segments = ended.map((text) => text.match(/^#EXTINF/gm)?.length ?? 0);
    expect(new Set(segments).size).toBe(1);
    type Made = { readonly items: ReadonlyArray<{ readonly data: { readonly renditions: readonly string[] } }> };
    const made = (type: string): Promise<readonly string[]> =>
      until(
        async () => (await platform.api<Made>('GET', `/api/v1/events?type=${type}&limit=1`)).items[0]?.data.renditions,
        90_000,
        () => `No ${type}.\n${platform.log.slice(-3000)}`,
      );
    expect(await made('clip.finished')).toEqual(['source', 'audio', 'audio-1']);
    expect(await made('recording.finished')).toEqual(['source', 'audio', 'audio-1']);
  });
});
