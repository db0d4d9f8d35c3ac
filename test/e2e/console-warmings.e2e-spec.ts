/** @needs chromium */
import { warmFinished } from '#events';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { signIn } from '../constellation/console.ts';

jest.setTimeout(120_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));

describe('warmings in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  let key: { readonly authorization: string };

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    key = await world.key(['admin']);
  });

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  test('show what failed on which edge, and why', async () => {
    const body = { urls: ['/live/a/master.m3u8', '/live/b/master.m3u8'], sitemaps: ['http://www.example.org/map.xml'], reason: 'launch' };
    const { json } = await ask(gateway.url, '/api/v1/cdn/warm', { method: 'POST', headers: key, body });
    const { warmId } = json as unknown as { readonly warmId: string };
    const failures = [
      { url: '/live/b/master.m3u8', status: 404, reason: 'The origin answered with status 404.' },
      { url: 'http://www.example.org/map.xml', status: null, reason: 'The sitemap lists no URL, if it is one.' },
    ];
    const counts = { urls: 2, present: 0, fetched: 1, failed: 2, bytes: 2_000_000, failures };
    await world.facts.publish('cache', [warmFinished.draft({ warmId, edgeId: 'edge-1', region: 'local', ...counts, finishedAtMs: Date.now() })], {
      producer: { id: 'edge:edge-1', epoch: 1n },
    });
    await world.settle();
    const viewer = await signIn(gateway.url, key);
    const warming = viewer.page.getByTestId(`warm-${warmId}`);
    await warming.waitFor();
    const text = (await warming.innerText()).replaceAll(/\s+/g, ' ');
    for (const said of ['/live/a/master.m3u8', '2 failed', 'launch', 'edge-1: 1 fetched']) expect(text).toContain(said);
    await warming.getByText('What failed').click();
    expect((await warming.getByRole('listitem').allInnerTexts()).map((line) => line.trim())).toEqual([
      'edge-1: /live/b/master.m3u8: The origin answered with status 404.',
      'edge-1: http://www.example.org/map.xml: The sitemap lists no URL, if it is one.',
    ]);
    await viewer.close();
  });
});
