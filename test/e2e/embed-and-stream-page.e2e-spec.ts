/** @needs chromium ffmpeg firefox */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { CaptionedPublisher } from '../constellation/captioned-publisher.ts';
import { dashPlayers, playerSite } from '../constellation/dash-page.ts';
import { FirefoxPage } from '../constellation/firefox-page.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { Viewer } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

/** One small rung: what is looked at here costs no more on a busy machine. */
const ladder = [
  { name: '240p', height: 240, videoBitrate: 400_000 },
  { name: '180p', height: 180, videoBitrate: 200_000 },
];

let platform: Platform;
let publisher: Publisher;
let id: string;
let streamKey: string;

beforeAll(async () => {
  platform = await Platform.start();
  const created = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Evening news', ladder });
  ({ id, streamKey } = created);
  publisher = new Publisher({ url: platform.rtmpUrl(created.streamKey), width: 426, height: 240, frameRate: 15, videoBitrate: '400k' });
});

afterAll(async () => {
  await publisher?.stop();
  await platform?.stop();
});

test('the player: a picture, qualities, pictures over the bar, back and to the live edge, by keyboard; elsewhere a clear word', async () => {
  const viewer = await Viewer.open(`${platform.edgeUrl}/embed/${id}?autoplay=1`);
  try {
    const { page } = viewer;
    const player = page.getByTestId('player');
    await page.locator('[data-availability="playable"]').waitFor({ timeout: 60_000 });
    await until(
      async () => ((await viewer.look())?.decodedFrames ?? 0) > 10,
      60_000,
      () => 'There is no picture.',
    );
    await page.getByTestId('latency').waitFor();
    await page.keyboard.press('m');
    await until(
      async () => (await page.getByTestId('mute').getAttribute('aria-label')) === 'Sound off (m)',
      30_000,
      () => 'There is no sound.',
    );

    await until(
      async () => (await fetch(`${platform.edgeUrl}/live/${id}/thumbnails.vtt`)).ok,
      90_000,
      () => 'There are no pictures for the bar.',
    );
    const bar = page.getByTestId('scrub');
    await until(
      async () => {
        // Controls that nobody used for a while are asleep, and take nothing before something moves.
        await page.mouse.move(200, 60 + Math.random() * 40);
        await bar.hover({ position: { x: 60, y: 12 } });
        return (await page.getByTestId('tile').count()) > 0;
      },
      60_000,
      () => 'The bar shows no pictures.',
      500,
    );
    expect(await page.getByTestId('preview').innerText()).toMatch(/^−\d+:\d\d$/);

    const edge = page.getByTestId('edge');
    await page.keyboard.press('Home');
    await until(
      async () => !(await edge.getAttribute('class'))?.includes('on'),
      30_000,
      () => 'It did not go back.',
    );
    await page.keyboard.press('End');
    await until(
      async () => (await edge.getAttribute('class'))?.includes('on'),
      30_000,
      () => 'It did not come back to live.',
    );

    await page.getByTestId('quality').click();
    await page.getByRole('menuitemradio', { name: /^180p/ }).click();
    await until(
      async () => (await viewer.look())?.height === 180,
      60_000,
      () => 'The quality did not change.',
    );

    await page.keyboard.press('k');
    await until(
      async () => (await player.getAttribute('class'))?.includes('paused'),
      10_000,
      () => 'It was not paused.',
    );
    expect(viewer.problems).toEqual([]);

    // From its beginning on, which is more than half a minute ago.
    await page.goto(`${platform.edgeUrl}/embed/${id}?autoplay=1&start=0`);
    await until(
      async () => ((await viewer.look())?.decodedFrames ?? 0) > 30,
      60_000,
      () => 'There is no picture from the beginning.',
    );
    expect((await edge.getAttribute('class'))?.includes('on')).toBe(false);

    await page.goto(`${platform.edgeUrl}/embed/st-aaaaaaaaaaaaaaaa`);
    await page.getByText('There is no such stream').waitFor();
    const other = await platform.api<{ id: string }>('POST', '/api/v1/stream/start', { name: 'Later' });
    await page.goto(`${platform.edgeUrl}/embed/${other.id}`);
    await page.getByText('Not live yet').waitFor();
  } finally {
    await viewer.close();
  }
});

/** Until the page's video has shown moving pictures for two seconds. */
async function untilPlaying(firefox: FirefoxPage, what: string): Promise<void> {
  const from = await firefox.look();
  await until(
    async () => {
      const seen = await firefox.look();
      return seen.width > 0 && seen.currentTime >= from.currentTime + 2 && seen.decodedFrames >= from.decodedFrames + 20;
    },
    60_000,
    () => `${what} does not play in Firefox. ${firefox.problems.join(' ')}`,
  );
}

test('in Firefox, too, the player plays, and so do the DASH players of others', async () => {
  const firefox = await FirefoxPage.open(`${platform.edgeUrl}/embed/${id}?autoplay=1`);
  try {
    await untilPlaying(firefox, 'The embedded player');
    for (const player of dashPlayers) {
      const site = await playerSite(player, `${platform.edgeUrl}/live/${id}/manifest.mpd`);
      await firefox.page.goto(site.url);
      await firefox.page.evaluate(site.play);
      await untilPlaying(firefox, player);
      expect(await firefox.page.evaluate('problems')).toEqual([]);
      site.close();
    }
    expect(firefox.problems).toEqual([]);
  } finally {
    await firefox.close();
  }
});

test('captions within the picture are listed, and shown when somebody asks for them', async () => {
  const { id: captioned, streamKey: key } = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', {
    name: 'Spoken',
    ladder: ladder.slice(1),
  });
  const speaker = await CaptionedPublisher.start(platform.rtmpUrl(key));
  const master = `${platform.edgeUrl}/live/${captioned}/master.m3u8`;
  let viewer: Viewer | undefined;
  try {
    await until(
      async () => (await (await fetch(master)).text()).includes('cc1.captions.m3u8'),
      60_000,
      () => 'No captions are listed.',
      500,
    );
    viewer = await Viewer.open(`${platform.edgeUrl}/embed/${captioned}?autoplay=1`);
    const { page } = viewer;
    await page.getByTestId('captions').waitFor({ state: 'attached', timeout: 60_000 });
    await page.keyboard.press('c');
    await until(
      () => page.getByTestId('video').evaluate(showsSentence as never) as Promise<boolean>,
      90_000,
      () => 'No caption is shown.',
    );
    expect(viewer.problems).toEqual([]);
    // What ffmpeg says beside its media is told where it was said.
    await until(
      async () => /#EXT-X-DATERANGE:ID="cue-[^"]+",CLASS="onTextData",.*X-TEXT="Word \d+"/.test(await (await fetch(master.replace('master', '180p'))).text()),
      60_000,
      () => 'No text of the encoder is told.',
      500,
    );
    await playsTransportStreams(viewer, `${platform.edgeUrl}/live/${captioned}/ts/master.m3u8`);
  } finally {
    await viewer?.close();
    await speaker.stop();
  }
});

/** hls.js on a page of somebody else, with the playlists of transport streams: a picture, and captions beside it. */
async function playsTransportStreams({ page }: Viewer, url: string): Promise<void> {
  const site = await playerSite('hls.js', url);
  await page.goto(site.url);
  await page.evaluate(site.play);
  await until(
    async () => Number(await page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames")) > 30,
    60_000,
    () => 'The transport streams have no picture in Chromium.',
  );
  await until(
    () => page.locator('video').evaluate(showsSentence as never) as Promise<boolean>,
    60_000,
    () => 'No caption is shown beside the transport streams.',
  );
  expect(await page.evaluate('problems')).toEqual([]);
  site.close();
}

test('the page of a stream: figures, pictures of renditions, viewers, decisions, and a clip that can be taken along', async () => {
  const viewer = await Viewer.open(platform.signInUrl);
  try {
    const { page } = viewer;
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    // Not by a click: with its player still on, the page it leaves may be too busy for one.
    await page.goto(`${platform.edgeUrl}/#/streams`);
    await page.getByTestId('stream-link').filter({ hasText: 'Evening news' }).waitFor();
    await page.goto(`${platform.edgeUrl}/#/streams/${id}`);
    await page.getByTestId('gauge-input').waitFor({ timeout: 60_000 });
    expect(await page.getByTestId('gauge-input').innerText()).toMatch(/bit\/s/);
    expect(await page.getByTestId('gauge-key-frames').innerText()).toMatch(/2\.\d s/);
    await page.getByTestId('timeline').getByText('Live', { exact: true }).waitFor();
    await page.getByTestId('timeline').getByText('Encoder started').first().waitFor();
    // Whoever looks at the page watches the stream, too.
    await until(
      async () => /[1-9]/.test(await page.getByTestId('viewers').innerText()),
      60_000,
      () => 'Nobody is counted.',
    );

    for (const { name } of ladder)
      await until(
        () => page.getByTestId(`picture-${name}`).evaluate(isPainted as never) as Promise<boolean>,
        60_000,
        () => `There is no picture of ${name}.`,
        500,
      );

    // Over to the other publisher, by the button.
    const backup = new Publisher({
      url: `rtmp://127.0.0.1:${platform.ports.rtmpBackup}/live/${streamKey}`,
      width: 426,
      height: 240,
      frameRate: 15,
      videoBitrate: '400k',
    });
    try {
      await page.getByTestId('publisher-backup').filter({ hasText: 'in waiting' }).waitFor({ timeout: 60_000 });
      const over = page.getByRole('button', { name: 'Go over to the backup' });
      expect(await over.isDisabled()).toBe(true);
      await page.getByLabel('Reason for the change').fill('A better picture');
      await over.click();
      await page.getByTestId('publisher-backup').filter({ hasText: 'on air' }).waitFor({ timeout: 60_000 });
      await page.getByTestId('timeline').getByText('Over to the backup publisher').first().waitFor({ timeout: 60_000 });
    } finally {
      await backup.stop();
    }
    await page.getByTestId('publisher-primary').filter({ hasText: 'on air' }).waitFor({ timeout: 60_000 });

    await page.getByLabel('Name of the clip').fill('The goal');
    await page.getByLabel('Length').selectOption('15');
    await page.getByRole('button', { name: 'Cut', exact: true }).click();
    const clip = page.getByTestId('clip').filter({ hasText: 'The goal' });
    await clip.and(page.locator('[data-status="finished"]')).waitFor({ timeout: 90_000 });
    const file = await fetch(new URL((await clip.getByText('Download').getAttribute('href')) ?? '', platform.edgeUrl));
    expect([
      file.status,
      Buffer.from(await file.arrayBuffer())
        .subarray(4, 8)
        .toString(),
    ]).toEqual([200, 'ftyp']);
    expect(await page.getByTestId('embed').innerText()).toContain(`/embed/${id}`);
    expect(viewer.problems).toEqual([]);
  } finally {
    await viewer.close();
  }
});

test('while nobody sends anything the player says so, and goes on by itself', async () => {
  const viewer = await Viewer.open(`${platform.edgeUrl}/embed/${id}?autoplay=1`);
  try {
    const { page } = viewer;
    const frames = async (): Promise<number> => (await viewer.look())?.decodedFrames ?? 0;
    await until(
      async () => (await frames()) > 10,
      60_000,
      () => 'There is no picture.',
    );
    await publisher.stop();
    const notice = page.getByTestId('notice').filter({ hasText: 'The broadcast is interrupted' });
    await notice.waitFor({ timeout: 60_000 });
    expect(await page.getByTestId('edge').getAttribute('class')).not.toContain('on');
    const before = await frames();
    publisher = new Publisher({ url: platform.rtmpUrl(streamKey), width: 426, height: 240, frameRate: 15, videoBitrate: '400k' });
    await notice.waitFor({ state: 'detached', timeout: 60_000 });
    await until(
      async () => (await frames()) > before + 15,
      60_000,
      () => 'It does not go on.',
    );
    expect(viewer.problems).toEqual([]);
  } finally {
    await viewer.close();
  }
});

/** Runs in the page: whether a track that is shown has a sentence on the screen now. */
function showsSentence(video: {
  readonly textTracks: Iterable<{ readonly mode: string; readonly activeCues: Iterable<{ readonly text?: string }> | null }>;
}): boolean {
  const shown = [...video.textTracks].filter(({ mode }) => mode === 'showing');
  return shown.some(({ activeCues }) => [...(activeCues ?? [])].some(({ text }) => /^Sentence \d/.test(text ?? '')));
}

/** Runs in the page: whether anything was drawn. */
function isPainted(canvas: {
  readonly width: number;
  getContext(kind: '2d'): { getImageData(...box: number[]): { readonly data: Uint8ClampedArray } } | null;
}): boolean {
  const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, 8).data ?? [];
  return [...data].some((value) => value > 0);
}
