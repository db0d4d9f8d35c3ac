/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { refusalAggregate } from '#domain/access';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { Viewer } from '../constellation/viewer.ts';

jest.setTimeout(180_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));
const address = '203.0.113.77';

describe('the event browser in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  let admin: string;

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    admin = (await world.key(['admin'])).authorization;
    for (let n = 0; n < 60; n++) await publish(n);
    await refuse();
    await world.settle();
  });

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  async function publish(n: number): Promise<void> {
    const data = { contentId: `c-${n}`, url: `https://origin.example/${n}`, contentType: n % 20 === 0 ? 'text/html' : 'video/mp4' };
    const cause = { correlationid: 'req-cms', causationid: n === 0 ? 'req-cms' : n < 4 ? 'order-0' : 'order-3' };
    const body = { specversion: '1.0', id: `order-${n}`, source: '/cms', type: 'content.published', ...cause, data };
    expect((await ask(gateway.url, '/api/v1/events', { method: 'POST', headers: { authorization: admin }, body })).status).toBe(200);
  }

  /** Somebody is refused, from an address that is personal. */
  async function refuse(): Promise<void> {
    const refusals = { address, who: 'anonymous', operation: 'listStreams', reason: 'no-credential', count: 1, firstAtMs: 1, lastAtMs: 2 };
    await world.commands.execute(refusalAggregate, `refusals/${address}`, refusals, { actor: 'anonymous', correlationId: 'req-refused' });
  }

  async function browse(authorization: string, route = 'events'): Promise<Viewer> {
    const viewer = await Viewer.open(`${gateway.url}/#/${route}`);
    await viewer.page.fill('input', authorization.slice('Bearer '.length));
    await viewer.page.keyboard.press('Enter');
    await viewer.page.getByRole('heading', { name: 'Events' }).waitFor();
    return viewer;
  }

  test('an event is found by an expression, looked at, and followed to what caused it and what came of it', async () => {
    const viewer = await browse((await world.key(['view', 'operate'])).authorization);
    const { page } = viewer;
    await page.fill('[name=where]', 'data.contentType == "text/html"');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    const found = page.getByTestId('found').getByRole('button');
    await page.getByText('3 found').waitFor();
    expect(await found.count()).toBe(3);
    await found.filter({ hasText: 'c-40' }).click();
    const detail = page.getByRole('region', { name: 'Event', exact: true });
    await detail.getByText('order-40').first().waitFor();
    expect(await detail.innerText()).toContain('"contentId": "c-40"');
    const tree = page.getByTestId('causation');
    await tree.getByText('60 events, all caused by req-cms').waitFor();
    expect(await tree.locator('[aria-selected=true]').innerText()).toContain('c-40');
    const rows = await tree.getByRole('treeitem').count();
    expect(rows).toBeLessThan(60);
    await tree.locator('.tree').evaluate((element) => (element.scrollTop = 0));
    await tree.getByRole('treeitem').first().getByRole('button', { name: 'Close' }).click();
    await page.waitForFunction("document.querySelectorAll('[role=treeitem]').length === 1");
    await tree.getByRole('treeitem').first().locator('.link').click();
    await detail.getByText('order-0').first().waitFor();
    expect(new URLSearchParams(page.url().split('?')[1]).get('event')).toBe('order-0');
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('an expression that is none is told with its place', async () => {
    const viewer = await browse((await world.key(['view'])).authorization, 'events/search?where=data.x%20%3E');
    await viewer.page.getByText('Unexpected token: EOF at character 9').waitFor();
    await viewer.close();
  });

  test('what a key cannot do is not offered, and nobody is told that nothing was found where nobody looked', async () => {
    const route = 'events/search?subject=c-1';
    for (const [scopes, offered] of [
      [['view'], ['Copy as curl', 'Copy as JSON']],
      [
        ['view', 'publish'],
        ['Copy as curl', 'Copy as publish', 'Copy as JSON'],
      ],
      [['operate'], ['Copy as curl', 'Copy as JSON', 'Prove']],
    ] as const) {
      const viewer = await browse((await world.key([...scopes])).authorization, route);
      await viewer.page.getByTestId('found').getByRole('button').first().click();
      const detail = viewer.page.getByRole('region', { name: 'Event', exact: true });
      await detail.getByRole('button', { name: 'Copy as JSON' }).waitFor();
      expect(await detail.getByRole('button', { name: /^(Copy|Prove|Show$)/ }).allInnerTexts()).toEqual(offered);
      await viewer.close();
    }
    const publisher = await browse((await world.key(['publish'])).authorization, route);
    await publisher.page.getByRole('alert').getByText('scope view or operate').waitFor();
    expect(await publisher.page.getByText('Nothing was found').count()).toBe(0);
    expect(await publisher.page.getByText('gateway unreachable').count()).toBe(0);
    await publisher.close();
    const viewer = await browse((await world.key(['view'])).authorization, 'events/search?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z');
    await viewer.page.getByText('The range is empty').waitFor();
    await viewer.close();
  });

  test('the focus goes to an event that is opened, and back to where it was opened', async () => {
    const viewer = await browse((await world.key(['view'])).authorization, 'events/search?type=content.published');
    const { page } = viewer;
    const row = page.getByTestId('found').getByRole('button').nth(2);
    await row.focus();
    const id = await row.getAttribute('data-event');
    await page.keyboard.press('Enter');
    await page.locator('h2:focus', { hasText: 'content.published' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator(`[data-event="${id}"]:focus`).waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('what comes while somebody follows appears by itself', async () => {
    const viewer = await browse((await world.key(['view'])).authorization, 'events/search?subject=c-99');
    await viewer.page.getByText('Nothing was found').waitFor();
    await viewer.page.getByRole('button', { name: 'Follow live' }).click();
    await viewer.page.getByRole('button', { name: 'Following' }).waitFor();
    await publish(99);
    await viewer.page.getByTestId('found').getByText('c-99', { exact: true }).first().waitFor();
    await viewer.close();
  });

  test('personal fields are masked; an admin who says why sees them, others do not', async () => {
    const route = `events/search?type=access.refused&where=${encodeURIComponent('data.operation == "listStreams" && data.reason == "no-credential"')}`;
    for (const [authorization, sees] of [
      [(await world.key(['view'])).authorization, false],
      [(await world.key(['operate'])).authorization, false],
      [admin, true],
    ] as const) {
      const viewer = await browse(authorization, route);
      const { page } = viewer;
      await page.getByTestId('found').getByRole('button').first().click();
      const detail = page.getByRole('region', { name: 'Event', exact: true });
      await detail.getByText(/Masked: .*address/).waitFor();
      expect(await page.content()).not.toContain(address);
      if (sees) {
        await detail.locator('[name=reason]').fill('ticket 4711');
        await detail.getByRole('button', { name: 'Show', exact: true }).click();
        await detail.getByText('is on record').waitFor();
      } else {
        await detail.getByText('Keys with the scope admin can see it').waitFor();
        expect(await detail.getByRole('button', { name: 'Show', exact: true }).count()).toBe(0);
      }
      expect((await page.content()).includes(address)).toBe(sees);
      await viewer.close();
    }
  });
});
