/** @needs chromium */
import { fileURLToPath } from 'node:url';
import type { Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { streamsProjection } from '#domain/stream';
import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { createLogger } from '#runtime';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { projections } from '#read-models';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { ReplayHost } from '../../apps/projector/replay/replay-host.ts';
import { Viewer } from '../constellation/viewer.ts';
import { history } from '../replay/history.ts';
import { recordAll } from '../replay/world.ts';

jest.setTimeout(180_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));
const limits = { replaysMax: 2, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: 3_600_000, lookMs: 50 };

/** A release that calls one stream otherwise. */
const renaming: Projection<DomainEvent> = {
  ...streamsProjection,
  project: (event) =>
    streamsProjection
      .project(event)
      .map((change) => (String(change.set['name']).includes('st-3 ') ? { ...change, set: { ...change.set, name: 'Other name' } } : change)),
};

describe('read models in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  let host: ReplayHost;

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    await recordAll(world.engines, history({ seed: 3, streams: 8, segments: 3 }));
    await world.settle();
    const logger = await createLogger({ name: 'replay', node: 'test', logFormat: 'json', logLevel: 'silent' });
    const list = projections.map((one) => (one === streamsProjection ? renaming : one));
    host = new ReplayHost({ owner: 'replayer', ...limits }, { ...world.engines, projections: list, commands: world.commands, logger });
    host.start();
  });

  afterAll(async () => {
    await host?.stop();
    await gateway?.stop();
    await world?.close();
  });

  async function signedIn(...scopes: Parameters<World['key']>[0]): Promise<Viewer> {
    const { authorization } = await world.key(scopes);
    const viewer = await Viewer.open(gateway.url);
    const { page } = viewer;
    await page.fill('input', authorization.slice('Bearer '.length));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    return viewer;
  }

  /** As somebody does it by the API, to the end. */
  async function compare(projection: string): Promise<void> {
    const { authorization } = await world.key(['operate']);
    const headers = { authorization };
    const { json } = await ask(gateway.url, '/api/v1/replays', { method: 'POST', headers, body: { projection, mode: 'comparison' } });
    const path = `/api/v1/replays/${(json as { id: string }).id}`;
    while (((await ask(gateway.url, path, { headers })).json as { status: string }).status !== 'compared') await new Promise((later) => setTimeout(later, 50));
  }

  test('are compared by row and column, rebuilt, promoted and rolled back, by a typed word', async () => {
    const viewer = await signedIn('operate', 'view');
    const { page } = viewer;
    await page.getByRole('link', { name: 'Read models' }).click();
    const row = page.getByTestId('projection-streams');
    await row.locator('summary').click();
    await row.getByText('Compare with the log').click();
    await row.getByText('stream: 0 added, 0 removed, 1 changed').waitFor();
    expect(await row.locator('.difference tbody tr').allInnerTexts()).toEqual([expect.stringMatching(/st-3.*name.*Stream st-3.*Other name/s)]);

    await page.setViewportSize({ width: 375, height: 800 });
    const box = row.getByRole('group', { name: 'Rows of stream that differ' });
    expect(await box.evaluate(({ clientWidth, scrollWidth }) => clientWidth < 375 && scrollWidth > clientWidth)).toBe(true);
    await box.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    while ((await box.evaluate(({ scrollLeft }) => scrollLeft)) === 0) await new Promise((later) => setTimeout(later, 20));
    await page.setViewportSize({ width: 1280, height: 900 });

    const confirm = async (label: string): Promise<void> => {
      await row.getByText(`${label}…`).click();
      const button = row.getByRole('button', { name: label, exact: true });
      expect(await button.isDisabled()).toBe(true);
      await row.locator('input').fill('stream');
      expect(await button.isDisabled()).toBe(true);
      await row.locator('input').fill('streams');
      await button.click();
    };
    await confirm('Rebuild');
    await row.locator('summary').getByText('a build is ready').waitFor();
    await page.reload();
    await row.getByText('ready', { exact: true }).waitFor();
    await confirm('Promote');
    await row.getByText('promoted', { exact: true }).waitFor();
    for (let n = 0; n < 5; n++) await compare('streams');
    await row.getByTestId('replay').nth(4).waitFor();
    await row.locator('.replay .pill:first-child').filter({ hasText: 'compared' }).nth(3).waitFor();
    expect(await row.locator('.replay .pill:first-child').allInnerTexts()).toEqual(['compared', 'compared', 'compared', 'compared', 'promoted']);
    await page.getByRole('link', { name: 'Live' }).click();
    await page.getByText('Other name').first().waitFor();
    await page.goBack();
    await confirm('Roll back');
    await row.getByText('rolled-back', { exact: true }).waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('are not said to be up to date while nobody answers, and what did not go is said by its name until somebody does', async () => {
    const viewer = await signedIn('operate', 'view');
    const { page } = viewer;
    await page.getByRole('link', { name: 'Read models' }).click();
    const row = page.getByTestId('projection-contents');
    await row.getByText('up to date').waitFor();
    await row.locator('summary').click();
    await row.getByText('Compare with the log').waitFor();

    const held: Route[] = [];
    await page.route('**/api/v1/**', (route) => void held.push(route));
    await page.getByText('gateway unreachable').waitFor();
    await row.getByText('not known how far').waitFor();
    for (const name of ['Read models', 'Parked']) await page.getByRole('region', { name, exact: true }).getByText('this is how it was').waitFor();
    await page.unroute('**/api/v1/**');
    for (const route of held) await route.continue().catch(() => undefined);
    await row.getByText('up to date').waitFor();
    await page.getByText('gateway unreachable').waitFor({ state: 'detached' });

    await page.route('**/api/v1/**', (route) => route.abort());
    await row.getByText('Compare with the log').click();
    await page.getByRole('alert').getByText('Compare contents: It did not go').waitFor();
    await page.unroute('**/api/v1/**');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('are for operators', async () => {
    const viewer = await signedIn('view');
    const { page } = viewer;
    await page.getByText('New stream').waitFor();
    await page.getByRole('link', { name: 'Read models' }).click();
    await page.getByRole('region', { name: 'Read models' }).getByText('scope operate').waitFor();
    expect(await page.getByTestId('projection-streams').count()).toBe(0);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });
});
