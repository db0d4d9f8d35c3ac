/** @needs chromium */
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { recordingFinished } from '#events';
import { announceEncoding, announceEncodingEnd, announceSegment } from '../../apps/gateway/testing/stream-facts.ts';
import { signIn } from '../constellation/console.ts';
import { EffectWorld } from '../effects/effect-world.ts';
import { Receiver, signaturesBy, type Received } from '../effects/receiver.ts';

jest.setTimeout(120_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));
/** One point of colour, JPEG. */
const jpeg = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);

describe('what follows from events, in the console, in a real browser', () => {
  let world: EffectWorld;
  let receiver: Receiver;

  beforeAll(async () => {
    world = await EffectWorld.open({ triesMax: 2 }, { consolePath });
    receiver = await Receiver.open();
  });

  afterAll(async () => {
    await world?.stop();
    await receiver?.close();
  });

  test('a webhook is added, tested, fails, is delivered to again, gets another secret, and goes', async () => {
    const viewer = await signIn(world.gateway.url, await world.world.key(['admin']), 'webhooks');
    const { page } = viewer;
    await page.getByText('Nobody is told of events yet.').waitFor();
    await page.fill('[name=url]', `${receiver.url}/hook`);
    await page.fill('[name=description]', 'billing');
    await page.fill('[name=types]', 'content.published');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const secret = await page.getByTestId('secret').locator('code').innerText();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await page.getByRole('button', { name: 'I have stored the secret' }).click();
    const list = page.getByRole('region', { name: 'Webhooks', exact: true });
    const hook = list.locator('details').first();
    expect(await hook.locator('summary').first().innerText()).toMatch(/\/hook\s+enabled\s+content\.published · billing/);
    expect(await page.content()).not.toContain(secret);
    await hook.locator('summary').first().click();
    await hook.getByText('Nothing was to be delivered yet').waitFor();

    receiver.reply = () => ({ status: 503, body: 'not now' });
    await hook.getByRole('button', { name: 'Send a test' }).click();
    const delivery = hook.locator('details.effect');
    await delivery.getByText('abandoned', { exact: true }).waitFor();
    expect(await delivery.locator('summary').innerText()).toMatch(/webhook\.test-requested\s+abandoned\s+.*2 tries/);
    await delivery.locator('summary').click();
    expect(await delivery.getByTestId('try').allInnerTexts()).toEqual([expect.stringMatching(/503\s+not now/), expect.stringMatching(/503\s+not now/)]);

    // It took nothing for as long as it was tried, so it gets nothing more until somebody says so.
    await hook.getByText('disabled: it took nothing').waitFor();
    await hook.getByRole('button', { name: 'Enable', exact: true }).click();
    await hook.getByRole('button', { name: 'Disable', exact: true }).waitFor();
    receiver.reply = () => ({ status: 200, body: 'thank you' });
    await delivery.getByRole('button', { name: 'Redeliver' }).click();
    await delivery.getByText('succeeded', { exact: true }).waitFor();
    await delivery.getByText('thank you').waitFor();
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(signaturesBy(secret, receiver.received.at(-1) as Received)).toBe(1);
    await hook.getByRole('button', { name: 'failed', exact: true }).click();
    await hook.getByText('Nothing is failed.').waitFor();

    await hook.getByRole('button', { name: 'Rotate secret…' }).click();
    expect(await hook.getByRole('button', { name: 'Rotate secret', exact: true }).isDisabled()).toBe(true);
    await hook.getByLabel('Type rotate to rotate secret').fill('rotate');
    await hook.getByRole('button', { name: 'Rotate secret', exact: true }).click();
    const next = await page.getByTestId('secret').locator('code').innerText();
    expect([next === secret, await page.getByTestId('secret').innerText()]).toEqual([false, expect.stringContaining('Secret number 2')]);
    await hook.getByText('signed by secret number 2 and the one before until').waitFor();

    await hook.getByRole('button', { name: 'Disable', exact: true }).click();
    await hook.getByRole('button', { name: 'Enable', exact: true }).waitFor();
    await hook.getByRole('button', { name: 'Remove…' }).click();
    await hook.getByLabel('Type remove to remove').fill('remove');
    await hook.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('Nobody is told of events yet.').waitFor();
    await page.getByTestId('reactor-webhooks').getByText('up to date').waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('a URL that is none is refused with the reason; without the right nothing is shown', async () => {
    const viewer = await signIn(world.gateway.url, await world.world.key(['admin']), 'webhooks');
    await viewer.page.fill('[name=url]', 'https://user:secret@hooks.example/x');
    await viewer.page.getByRole('button', { name: 'Add', exact: true }).click();
    await viewer.page.getByRole('alert').getByText('url').waitFor();
    await viewer.close();
    const stranger = await signIn(world.gateway.url, await world.world.key(['view']), 'webhooks');
    await stranger.page.getByRole('region', { name: 'Webhooks', exact: true }).getByText('scope operate').waitFor();
    expect(await stranger.page.locator('form').count()).toBe(0);
    await stranger.close();
  });

  test('a site is put behind the edges, changed, brought back and taken away', async () => {
    const viewer = await signIn(world.gateway.url, await world.world.key(['admin']), 'sites');
    const { page } = viewer;
    await page.getByText('No site is behind the edges yet').waitFor();
    const configuration = (host: string): string => JSON.stringify({ hosts: [host], origins: [{ url: 'https://origin.example' }] });
    await page.fill('[name=name]', 'shop');
    await page.fill('[name=configuration]', '{"hosts": ["10.0.0.1"], "origins": [{"url": "https://o.example"}]}');
    await page.getByRole('button', { name: 'Serve' }).click();
    await page.getByText('body.hosts.0').waitFor();
    await page.fill('[name=configuration]', configuration('www.shop.example'));
    await page.getByRole('button', { name: 'Serve' }).click();
    const row = page.getByTestId('zone-shop');
    await row.getByText('www.shop.example').waitFor();
    await row.locator('summary').click();
    await row.getByRole('button', { name: 'Change' }).click();
    await page.fill('[name=configuration]', configuration('shop.example'));
    await page.getByRole('button', { name: 'Serve' }).click();
    await row.getByText('version 2', { exact: true }).waitFor();
    const first = row.getByTestId('version-1');
    await first.getByRole('button', { name: 'Bring back…' }).click();
    await first.getByLabel(/Type back/).fill('back');
    await first.getByRole('button', { name: 'Bring back', exact: true }).click();
    await row.getByText('back to version 1').waitFor();
    await row.getByRole('button', { name: 'Remove…' }).click();
    await row.getByLabel(/Type remove/).fill('remove');
    await row.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('No site is behind the edges yet').waitFor();
    await viewer.close();
  });

  test('a stopped stream shows its poster and can be taken along', async () => {
    const inner = world.world;
    const { id } = (await world.ask('POST', '/api/v1/stream/start', { name: 'Film' })).json;
    await announceEncoding(inner, id);
    for (const at of [0, 1]) await announceSegment(inner, id, at);
    await world.ask('POST', '/api/v1/stream/stop', { id });
    await announceEncodingEnd(inner, id);
    await inner.settle();
    const viewer = await signIn(world.gateway.url, await inner.key(['admin']));
    const { page } = viewer;
    const bar = page.getByTestId('recording');
    await bar.getByText('The recording is being made').waitFor();
    const { blobs } = inner.engines;
    const [mp4, poster] = [await blobs.put(Buffer.from('a whole film')), await blobs.put(jpeg)];
    const sample = recordingFinished.samples.at(-1) as Parameters<typeof recordingFinished.draft>[0];
    const files = { mp4Cid: mp4.cid, mp4Bytes: mp4.sizeBytes, posterCid: poster.cid, posterBytes: poster.sizeBytes };
    const draft = recordingFinished.draft({ ...sample, ...files, streamId: id, round: 0, durationMs: 4000 });
    await inner.facts.publish('stream', [draft], { producer: { id: `recording:${id}`, epoch: 1n } });
    const link = bar.getByRole('link', { name: 'Download MP4' });
    await link.waitFor();
    expect(await bar.innerText()).toContain('0:04, 12 B');
    const image = bar.getByRole('img', { name: 'Poster of Film' });
    expect(new URL((await image.getAttribute('src')) ?? '', world.gateway.url).pathname).toBe(`/media/${poster.cid}.jpg`);
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toBe('Film.mp4');
    const stream = await download.createReadStream();
    expect(await text(stream)).toBe('a whole film');
    await viewer.close();
  });
});
