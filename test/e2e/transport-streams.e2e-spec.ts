import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openHlsPage, playedBy } from '../constellation/hls-page.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { showWhatIsDrawnSince, type Viewer } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

describe('MPEG transport streams, in hls.js', () => {
  let platform: Platform;
  let publisher: Publisher;
  let viewer: Viewer;
  let stream: { id: string; streamKey: string };
  let url: string;
  const asked: string[] = [];

  beforeAll(async () => {
    platform = await Platform.start();
    stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Transport', graceSeconds: 60 });
    publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), width: 640, height: 360, videoBitrate: '600k' });
    url = `${platform.edgeUrl}/live/${stream.id}/ts/master.m3u8`;
    await until(
      async () => (await fetch(url)).ok,
      60_000,
      () => platform.log.slice(-3000),
    );
    viewer = await openHlsPage(url);
    viewer.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  });

  afterAll(async () => {
    await viewer?.close();
    await publisher?.stop();
    await platform?.stop();
  });

  test('play live, picture and sound in one', async () => {
    await showWhatIsDrawnSince([viewer], Date.now(), 'No picture.');
    await until(
      () => asked.some((path) => path.endsWith('.ts')),
      30_000,
      () => `Nothing asked for: ${asked.join('\n')}`,
    );
    // Nothing of the same stream's fragmented MP4.
    expect(asked.filter((path) => /\.(m4s|mp4)$/.test(path))).toEqual([]);
    expect(await soundDecoded(viewer)).toBeGreaterThan(0);
    expect((await playedBy(viewer)).fatal).toEqual([]);
  });

  test('go on behind the death of the encoder, in the same page', async () => {
    const before = await viewer.look();
    platform.kill('media');
    await showWhatIsDrawnSince([viewer], Date.now() + 2000, 'Stands still behind the death of the encoder.');
    expect((await viewer.look())?.currentTime).toBeGreaterThan(before?.currentTime ?? Infinity);
    expect((await playedBy(viewer)).fatal).toEqual([]);
  });

  test('are there as a recording when the stream has ended', async () => {
    await publisher.stop();
    await platform.api('POST', '/api/v1/stream/stop', { id: stream.id });
    const rung = async (): Promise<string> => {
      const master = await (await fetch(url)).text();
      const media = master.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
      return (await fetch(new URL(media, url))).text();
    };
    await until(
      async () => (await rung()).includes('#EXT-X-ENDLIST'),
      30_000,
      () => platform.log.slice(-3000),
    );
    const recording = await openHlsPage(url);
    try {
      await until(
        async () => ((await recording.look())?.currentTime ?? 0) > 1,
        30_000,
        () => 'The recording does not play.',
      );
      expect((await playedBy(recording)).fatal).toEqual([]);
    } finally {
      await recording.close();
    }
  });
});

/** Bytes of sound that Chromium has decoded. */
function soundDecoded({ page }: Viewer): Promise<number> {
  return page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount");
}
