/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { announceTraffic } from '../../apps/gateway/testing/traffic-facts.ts';
import { edgeRegistered, edgeReported, plainEdge } from '#events';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { signIn } from '../constellation/console.ts';

jest.setTimeout(120_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));
const minuteMs = 60_000;

/** An edge that says what it is and how it is. */
async function announceEdge(world: World, edgeId: string, location: { readonly latitude: number; readonly longitude: number } | null): Promise<void> {
  const about = { ...plainEdge({ edgeId, url: `http://${edgeId}.example`, region: 'local', memoryBytesMax: 1 }), location };
  const report = edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0];
  await world.facts.publish('edge', [edgeRegistered.draft(about), edgeReported.draft({ ...report, edgeId, draining: false })], {
    producer: { id: `edge:${edgeId}`, epoch: 1n },
  });
}

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
    await announceTraffic(world, { startMs: now - 20 * minuteMs, edgeId: 'edge-3', region: 'north', hits: 30 });
    await announceEdge(world, 'edge-1', { latitude: 52.37, longitude: 4.9 });
    await announceEdge(world, 'edge-2', { latitude: 1.35, longitude: 103.82 });
    await announceEdge(world, 'edge-3', null);
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
    // What stands alone is a dot: of edge-3 there is one minute.
    const dots = await page
      .getByRole('figure')
      .filter({ hasText: 'Hits by edge' })
      .locator('path.dot')
      .evaluateAll((paths) => paths.map((path) => path.getAttribute('d')));
    expect(dots.map((dot) => (dot ?? '').match(/^M[\d.]+ [\d.]+h0$/) !== null)).toEqual([false, false, true]);
    const line = await page.locator('.time-chart').first().locator('path').first().getAttribute('d');
    expect(line?.match(/[ML]/g)?.length).toBeGreaterThan(40);
    expect(await page.getByRole('region', { name: 'Regions' }).locator('strong').allInnerTexts()).toEqual(['local', 'north']);
    expect(await page.getByRole('region', { name: 'Popular objects' }).locator('tbody tr').first().innerText()).toContain('/live/a/720p/1.m4s');
    await page.getByRole('button', { name: '24 h' }).click();
    await page.getByRole('button', { name: '24 h', pressed: true }).waitFor();
    expect(await page.getByTestId('traffic-totals').innerText()).toMatch(/requests/);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('a map of the edges, and a table that says the same; those without coordinates beside it; nothing is fetched from outside', async () => {
    const viewer = await signIn(gateway.url, key, 'traffic');
    const { page } = viewer;
    const outside: string[] = [];
    page.on('request', (request) => void (new URL(request.url()).origin === new URL(gateway.url).origin || outside.push(request.url())));
    const map = page.getByRole('region', { name: 'Map' });
    const mark = map.getByRole('button', { name: /^edge-1 \(up\): [\d.]+ requests\/s, [\d.]+ [kM]?bit\/s, \d\d\.\d % hits$/ });
    await mark.waitFor();
    // Amsterdam is west and north of Singapore.
    const [west, east] = [await mark.boundingBox(), await map.getByRole('button', { name: /^edge-2 / }).boundingBox()];
    expect((west?.x ?? 1) < (east?.x ?? 0) && (west?.y ?? 1) < (east?.y ?? 0)).toBe(true);
    expect(await map.getByRole('button').count()).toBe(2);
    const rows = async (caption: string): Promise<readonly string[]> => map.getByRole('table', { name: caption }).locator('tbody th').allInnerTexts();
    expect(await rows('By place')).toEqual(['edge-1', 'edge-2']);
    expect(await rows('Without coordinates')).toEqual(['edge-3']);
    await mark.click();
    expect(await map.locator('tr.chosen').innerText()).toMatch(/^edge-1\s+up\s+[\d.]+\s+.*52\.4°, 4\.9°$/s);
    // A telephone: nothing is wider than it.
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    expect(outside).toEqual([]);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('an edge is drained, resumed and removed with a reason and its typed name', async () => {
    const viewer = await signIn(gateway.url, key);
    const { page } = viewer;
    const edge = page.getByTestId('edge-edge-2');
    const order = async (label: string, then: string): Promise<void> => {
      await edge.getByLabel('Why, for the record').fill('new disks');
      await edge.getByRole('button', { name: `${label}…` }).click();
      const confirm = edge.getByRole('button', { name: label, exact: true });
      await edge.getByLabel(`Type edge-2 to ${label.toLowerCase()}`).fill('edge');
      expect(await confirm.isDisabled()).toBe(true);
      await edge.getByLabel(`Type edge-2 to ${label.toLowerCase()}`).fill('edge-2');
      await confirm.click();
      await edge.getByText(`edge-2 is ${then} from now on.`).waitFor();
      await world.settle();
      // What can be done follows from how it stands.
      await edge.locator('.head .pill', { hasText: then === 'serving' ? /^up|silent$/ : then === 'draining' ? /^draining|silent$/ : /^removed$/ }).waitFor();
    };
    await edge.getByText('Operate').click();
    expect(await edge.getByRole('button', { name: 'Drain…' }).isDisabled()).toBe(true);
    await order('Drain', 'draining');
    await announceEdge(world, 'edge-2', null);
    await world.settle();
    await order('Resume', 'serving');
    await order('Remove', 'removed');
    expect(await edge.getByRole('button', { name: 'Resume…' }).count()).toBe(1);
    expect(await edge.getByRole('button', { name: 'Drain…' }).count()).toBe(0);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });
});
