/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { announceTraffic } from '../../apps/gateway/testing/traffic-facts.ts';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { signIn } from '../constellation/console.ts';

jest.setTimeout(120_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));
const minuteMs = 60_000;

describe('traffic in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  let key: { readonly authorization: string };

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    key = await world.key(['admin']);
    const now = Date.now() - (Date.now() % minuteMs);
    for (let ago = 50; ago >= 2; ago--) {
      const startMs = now - ago * minuteMs;
      const wave = Math.round(600 + 300 * Math.sin(ago / 6));
      await announceTraffic(world, { startMs, hits: wave, misses: 40 + (ago % 7), notFound: ago % 5, objects: [{ path: '/live/a/720p/1.m4s', requests: 40 }] });
      await announceTraffic(world, { startMs, edgeId: 'edge-2', region: 'north', hits: Math.round(wave / 2), misses: 90 });
    }
    const body = { urls: ['/live/a/720p/1.m4s'], reason: 'wrong cut' };
    expect((await ask(gateway.url, '/api/v1/cdn/cache/purge', { method: 'POST', headers: key, body })).status).toBe(202);
    await world.settle();
  });

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  test('rates, hits by edge, statuses and latency over one time, the purge among them; regions; what was asked for most', async () => {
    const viewer = await signIn(gateway.url, key, 'traffic');
    const { page } = viewer;
    await page.getByTestId('traffic-totals').waitFor();
    for (const name of [
      /^Requests a second: all /,
      /^Bandwidth: sent /,
      /^Hits by edge: edge-1 \d\d\.\d %, edge-2 \d\d\.\d %/,
      /^Answers a second by status: 2xx .*4xx /,
      /^Time to the answer: p50 [\d.]+ ms, p95 \d+ ms/,
    ])
      // prettier-ignore
      await page.getByRole('img', { name }).waitFor();
    expect(await page.locator('.time-chart').first().locator('.mark title').textContent()).toMatch(/^pg-\w+: 1 purged, wrong cut$/);
    const line = await page.locator('.time-chart').first().locator('path').getAttribute('d');
    expect(line?.match(/[ML]/g)?.length).toBeGreaterThan(40);
    expect(await page.getByRole('region', { name: 'Regions' }).locator('strong').allInnerTexts()).toEqual(['local', 'north']);
    expect(await page.getByRole('region', { name: 'Popular objects' }).locator('tbody tr').first().innerText()).toContain('/live/a/720p/1.m4s');
    await page.getByRole('button', { name: '24 h' }).click();
    await page.getByRole('button', { name: '24 h', pressed: true }).waitFor();
    expect(await page.getByTestId('traffic-totals').innerText()).toMatch(/requests/);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });
});
