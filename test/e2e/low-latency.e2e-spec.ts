import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { Viewer } from '../constellation/viewer.ts';
import { everySegment } from '../walker/playlist.ts';
import { Walker } from '../walker/walker.ts';

interface Created {
  readonly id: string;
  readonly streamKey: string;
}

/** A small picture: two rungs and the sound. */
const picture = { width: 854, height: 480, videoBitrate: '800k' };

describe('low latency, through the edge, while everything dies once', () => {
  let platform: Platform;
  let publisher: Publisher;
  let viewer: Viewer | undefined;
  let stream: Created;
  let walker: Walker;

  beforeAll(async () => {
    platform = await Platform.start();
    stream = await platform.api<Created>('POST', '/api/v1/stream/start', { name: 'Low latency', graceSeconds: 60 });
    publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...picture });
    walker = new Walker({ url: `${platform.edgeUrl}/live/${stream.id}/master.m3u8` });
    await walker.start();
  });

  afterAll(async () => {
    await viewer?.close();
    await walker?.stop();
    await publisher?.stop();
    await platform?.stop();
  });

  /** Runs of the encoder whose parts each rendition has listed. */
  const runs = (): ReadonlySet<string> =>
    new Set(
      [...walker.playlists.values()].flatMap((one) =>
        everySegment(one).flatMap(({ parts }) => parts.flatMap(({ uri }) => /\.(\w+)\.m4s/.exec(uri)?.[1] ?? [])),
      ),
    );
  /** Waits until every rendition has parts of a run that is not among these. */
  async function newRun(known: ReadonlySet<string>, what: string): Promise<void> {
    await until(
      () => {
        const open = [...walker.playlists.values()].map((one) => one.open?.parts.at(-1)?.uri ?? '');
        return open.length >= 3 && open.every((uri) => /\.(\w+)\.m4s/.test(uri) && !known.has(/\.(\w+)\.m4s/.exec(uri)?.[1] ?? '') && !uri.includes('.gap.'));
      },
      60_000,
      () => `No new parts after ${what}: ${JSON.stringify(walker.newest)}\n${platform.log.slice(-3000)}`,
    );
  }
  const seen = (): Promise<void> =>
    until(
      () => walker.findings.parts >= 40,
      60_000,
      () => `No parts: ${JSON.stringify(walker.newest)}\n${platform.log.slice(-3000)}`,
    ).then(() => undefined);

  test('parts come in every rendition, and hls.js plays by them', async () => {
    await newRun(new Set(), 'the start');
    viewer = await Viewer.open(platform.signInUrl);
    const asked: string[] = [];
    viewer.page.on('request', (request) => asked.push(request.url()));
    await until(
      async () =>
        ((await viewer?.look())?.currentTime ?? 0) > 0 &&
        asked.some((url) => /_HLS_msn=\d+&_HLS_part=\d+/.test(url)) &&
        asked.some((url) => /\/\d+\.\d+\.\w+\.m4s$/.test(url)),
      40_000,
      () => `hls.js does not play by parts: ${asked.slice(-20).join('\n')}`,
    );
    await viewer.close();
    viewer = undefined;
    await seen();
  });

  test.each(['ffmpeg', 'media'] as const)('parts go on behind those that were shown when %s is killed', async (part) => {
    const before = new Set(runs());
    expect(platform.kill(part)).toBeDefined();
    await newRun(before, `${part} was killed`);
  });

  test('parts go on when the publisher comes back', async () => {
    const before = new Set(runs());
    await publisher.stop('SIGKILL');
    publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...picture });
    await newRun(before, 'the publisher came back');
  });

  test('an end is an end, and no rule was broken on any reload', async () => {
    await platform.api('POST', '/api/v1/stream/stop', { id: stream.id });
    await until(
      () => walker.playlists.size >= 3 && [...walker.playlists.values()].every(({ ended }) => ended),
      40_000,
      () => `No end: ${JSON.stringify(walker.newest)}`,
    );
    await walker.judgeEnd();
    const { violations, reloads, blocked, segments } = await walker.stop();
    expect([...violations]).toEqual([]);
    expect(reloads).toBeGreaterThan(blocked);
    // On a quick machine it is all over in twenty seconds, before a playlist is long enough for updates of it.
    for (const count of [blocked, segments]) expect(count).toBeGreaterThan(1);
  });
});
