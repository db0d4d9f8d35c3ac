/** @needs chromium ffmpeg */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { Viewer } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

interface Shown {
  readonly status: string;
  readonly durationMs: number | null;
}

describe('the past in the console, in a real browser', () => {
  let platform: Platform;
  let viewer: Viewer;
  let id: string;
  /** A whole second at which the stream was live, and nothing had been purged. */
  let then: Date;

  /** What the platform had a whole second ago: the picker knows seconds. */
  async function passed(): Promise<Date> {
    const at = Math.ceil(Date.now() / 1000) * 1000;
    await sleep(at + 50 - Date.now());
    return new Date(at);
  }

  beforeAll(async () => {
    platform = await Platform.start();
    const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Evening news', graceSeconds: 2 });
    ({ id } = stream);
    const publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), width: 640, height: 360, videoBitrate: '600k' });
    const shown = (): Promise<Shown> => platform.api<Shown>('GET', `/api/v1/streams/${id}`);
    const failed = (): string => platform.log.slice(-3000);
    await until(async () => ((await shown()).durationMs ?? 0) >= 8000, 60_000, failed);
    then = await passed();
    await platform.api('POST', '/api/v1/cdn/cache/purge', { urls: [`/live/${id}/master.m3u8`], reason: 'wrong logo' });
    await publisher.stop();
    await platform.api('POST', '/api/v1/stream/stop', { id });
    await until(async () => (await shown()).status === 'stopped', 30_000, failed);
    viewer = await Viewer.open(platform.signInUrl);
  });

  afterAll(async () => {
    await viewer?.close();
    await platform?.stop();
  });

  /** As a `datetime-local` field of a browser in the zone of this process has it. */
  function picked(at: Date): string {
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
    return local.toISOString().slice(0, 19);
  }

  async function pick(at: Date): Promise<void> {
    const { page } = viewer;
    await page.getByRole('button', { name: /^(As it stood at|Another time)…$/ }).click();
    await page.locator('[name=asOf]').fill(picked(at));
    await page.getByRole('button', { name: 'Look', exact: true }).click();
  }

  test('a moment is picked, its streams and purges are shown, and its playlist plays', async () => {
    const { page } = viewer;
    await page.getByRole('region', { name: 'Player' }).getByText('recording').waitFor();
    await page.getByRole('region', { name: 'Purges' }).getByText('wrong logo').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => void (request.url().includes('.m3u8') && asked.push(request.url())));
    await pick(then);
    const banner = page.getByRole('status').filter({ hasText: 'As of' });
    await banner.waitFor();
    expect(await banner.innerText()).toMatch(/^As of \d+ \w+ \d{4}, \d\d:\d\d:\d\d \((UTC|.+, UTC[+-]\d\d:\d\d)\): what the log had recorded by then/);
    await page.getByRole('region', { name: 'Player' }).getByText('live', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'Purges' }).getByText('Nothing had been purged.').waitFor();
    expect(await page.getByRole('button', { name: /^(Stop .*|Create|Purge)$/ }).count()).toBe(0);
    const first = await until(
      () => viewer.look(),
      30_000,
      () => `No picture.\n${viewer.problems.join('\n')}`,
    );
    await until(
      async () => ((await viewer.look())?.currentTime ?? 0) > first.currentTime + 1,
      30_000,
      () => 'The picture stands still.',
    );
    expect(first.brightness).toBeGreaterThan(20);
    // Until the moment was picked the player of today may have asked for another rung.
    const moments = asked.map((url) => new URL(url).searchParams.get('asOf'));
    const since = moments.slice(moments.findIndex((moment) => moment !== null));
    expect(since.length).toBeGreaterThan(1);
    expect(new Set(since)).toEqual(new Set([then.toISOString()]));
    const seconds = await page.locator('video').evaluate((video) => (video as unknown as { duration: number }).duration);
    const whole = await platform.api<Shown>('GET', `/api/v1/streams/${id}`);
    expect(seconds).toBeGreaterThanOrEqual(7);
    expect(seconds * 1000).toBeLessThanOrEqual((whole.durationMs ?? 0) + 100);
    expect(await page.getByTestId('found').getByText('stream.stopped').count()).toBe(0);
    expect(await page.getByTestId('found').getByText('stream.started').count()).toBe(1);

    await page.getByRole('link', { name: 'Back to now' }).click();
    await page.getByRole('region', { name: 'Player' }).getByText('recording').waitFor();
    expect(await banner.count()).toBe(0);
    expect(page.url()).not.toContain('asOf');
  });

  test('rows of any read model and what was parked, at the same moment, and a minute earlier', async () => {
    const { page } = viewer;
    await pick(then);
    await page.getByRole('link', { name: 'Read models' }).click();
    await page.getByText('Nothing was parked.').waitFor();
    await page.getByRole('link', { name: 'stream', exact: true }).click();
    const row = page.getByTestId('table-row').filter({ hasText: id });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/\blive\b/);
    await page.getByRole('link', { name: 'Back to now' }).click();
    await row.filter({ hasText: 'stopped' }).waitFor();
    await page.goBack();
    await row.filter({ hasText: 'live' }).waitFor();
    for (let minutes = 0; minutes < 10; minutes++) await page.getByRole('link', { name: 'A minute earlier' }).click();
    await page.getByRole('region', { name: 'Rows of stream' }).getByText('The log begins at').waitFor();
    expect(await row.count()).toBe(0);
  });

  test('a time to come is refused with the reason', async () => {
    const { page } = viewer;
    await page.goto(`${platform.edgeUrl}/#/`);
    await pick(new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000));
    await page.getByRole('region', { name: 'Streams' }).getByText('This time has not come yet').waitFor();
    expect(viewer.problems).toEqual([]);
  });
});
