/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { dropSandboxBlobs } from '#adapters/engines';
import type { ProjectionBuilds } from '#ports';
import { createLogger } from '#runtime';
import { join } from 'node:path';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { projections } from '#read-models';
import { SandboxHost } from '../../apps/projector/sandbox/sandbox-host.ts';
import { signIn } from '../constellation/console.ts';
import { history } from '../replay/history.ts';
import { recordAll } from '../replay/world.ts';

jest.setTimeout(180_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));

describe('sandboxes in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  let host: SandboxHost;
  /** Holds a build that has begun. */
  let hold: Promise<void> | undefined;

  beforeAll(async () => {
    const engines = await realEngines();
    world = await World.open(engines);
    gateway = await startGateway(world.engines, consolePath, {}, 0, { sandboxes: { sandboxesMax: 2, keepMs: 3_600_000 } });
    await recordAll(world.engines, history({ seed: 5, streams: 30, segments: 2 }));
    await world.settle();
    const { builds } = world.engines;
    const held = Object.create(builds) as ProjectionBuilds;
    for (const name of ['create', 'list', 'among', 'finish', 'note', 'forget', 'drop'] as const)
      Object.assign(held, { [name]: (...args: never[]) => (builds[name] as (...all: never[]) => unknown)(...args) });
    held.load = async (load) => {
      await builds.load(load);
      await hold;
    };
    const settings = { logPath: join(engines.folder, 'log', 'events.sqlite'), blobPath: join(engines.folder, 'blobs'), databaseUrl: engines.databaseUrl };
    host = new SandboxHost(
      { owner: 'host', partitionsMax: 4, leaseTtlMs: 5000, lookMs: 30 },
      {
        ...world.engines,
        builds: held,
        projections,
        commands: world.commands,
        logger: await createLogger({ name: 'sandbox', node: 'test', logFormat: 'json', logLevel: 'silent' }),
        dropBlobs: (sandboxId) => dropSandboxBlobs(settings, sandboxId),
      },
    );
    host.start();
  });

  afterAll(async () => {
    await host?.stop();
    await gateway?.stop();
    await world?.close();
  });

  test('one is made, seen while it is built, looked into, compared, and dropped by its typed name', async () => {
    const viewer = await signIn(gateway.url, await world.key(['admin']), 'sandboxes');
    const { page } = viewer;
    await page.getByText('There is no sandbox.').waitFor();
    let letGo = (): void => undefined;
    hold = new Promise<void>((resolve) => (letGo = resolve));
    await page.fill('[name=name]', 'why');
    await page.fill('[name=reason]', 'late segments');
    for (const name of ['streams', 'purges']) await page.getByRole('button', { name, exact: true }).click();
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    const row = page.getByTestId('sandbox-why');
    await row.getByText(/building \d+ %/).waitFor();
    expect(await row.innerText()).toMatch(/2 read models of everything until .*late segments/);
    await row.getByRole('link', { name: 'why', exact: true }).click();
    try {
      await page.getByRole('progressbar', { name: 'streams' }).waitFor();
    } finally {
      letGo();
      hold = undefined;
    }
    const rows = page.getByRole('region', { name: 'Rows of stream' });
    await rows.getByText('25 rows and more').waitFor();
    await rows.getByRole('button', { name: 'More' }).click();
    await rows.getByText('30 rows', { exact: true }).waitFor();
    expect(await rows.getByTestId('table-row').count()).toBe(30);
    await rows.getByLabel('Only with this stream_id').fill('st-7');
    await rows.getByRole('button', { name: 'Filter' }).click();
    await rows.getByText('1 row', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'segment', exact: true }).click();
    const segments = page.getByRole('region', { name: 'Rows of segment' });
    await segments
      .getByRole('link', { name: /^events of st-\d+ \/ .+ \/ 1$/ })
      .first()
      .click();
    await page.getByTestId('found').getByRole('button').first().click();
    await page.getByRole('region', { name: 'Event', exact: true }).getByText('"mediaSequence": 1').waitFor();
    await page.goBack();
    await page.goBack();
    await segments.waitFor();

    const comparison = page.getByRole('region', { name: 'Comparison' });
    await comparison.getByRole('button', { name: 'Compare' }).click();
    await comparison.getByText(/same rows as those that serve: .*30 in stream/).waitFor();

    await page.getByRole('button', { name: 'Drop…' }).click();
    const drop = page.getByRole('button', { name: 'Drop', exact: true });
    await page.getByLabel('Type why to drop').fill('wh');
    expect(await drop.isDisabled()).toBe(true);
    await page.getByLabel('Type why to drop').fill('why');
    await drop.click();
    await page.getByText('There is no sandbox why.').waitFor();
    await page.getByRole('region', { name: 'Sandbox why' }).getByRole('link', { name: 'Sandboxes' }).click();
    await page.getByText('There is no sandbox.', { exact: false }).waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('one of an hour shows that hour alone, and how it differs from what serves', async () => {
    const viewer = await signIn(gateway.url, await world.key(['admin']), 'sandboxes');
    const { page } = viewer;
    await page.fill('[name=name]', 'later');
    await page.fill('[name=from]', '2001-02-03T04:05:06');
    await page.fill('[name=until]', '2001-02-03T05:05:06');
    await page.getByRole('button', { name: 'streams', exact: true }).click();
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByTestId('sandbox-later').getByText('ready', { exact: true }).waitFor();
    expect(await page.getByTestId('sandbox-later').innerText()).toContain('3 Feb 2001, 04:05:06 until 3 Feb 2001, 05:05:06');
    await page.getByRole('link', { name: 'later', exact: true }).click();
    await page.getByText('No rows.').waitFor();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('stream: 0 added, 30 removed, 0 changed').waitFor();
    const difference = page.getByRole('group', { name: 'Rows of stream that differ' });
    expect(await difference.getByRole('row', { name: /removed: st-0 name/ }).innerText()).toMatch(/name\s+Stream st-0/);
    await viewer.close();
  });

  test('what the API refuses is said, and they are for operators', async () => {
    const viewer = await signIn(gateway.url, await world.key(['admin']), 'sandboxes');
    await viewer.page.fill('[name=name]', 'Not A Name');
    await viewer.page.getByRole('button', { name: 'Create', exact: true }).click();
    await viewer.page.getByRole('alert').getByText('body.name').waitFor();
    await viewer.close();
    const stranger = await signIn(gateway.url, await world.key(['view']), 'sandboxes');
    await stranger.page.getByRole('region', { name: 'Sandboxes' }).getByText('scope operate').waitFor();
    expect(await stranger.page.locator('form').count()).toBe(0);
    await stranger.close();
  });
});
