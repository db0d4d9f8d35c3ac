/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SystemClock } from '#adapters/system';
import { createLogger, ConsumerHost, EventParking, LogEventIntake, nothingLeftOut } from '#runtime';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ParkedDesk } from '../../apps/projector/parked/parked-desk.ts';
import { Breakage, report, thrown } from '../../apps/projector/parked/parked-world.fixture.ts';
import { signIn } from '../constellation/console.ts';

jest.setTimeout(120_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));

describe('parked events in the console, in a real browser', () => {
  const breakage = new Breakage();
  let world: World;
  let gateway: RunningGateway;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    const { log, leases, parked, past, projections: store, aggregates, publications } = world.engines;
    const [clock, logger] = [new SystemClock(), await createLogger({ name: 'parked', node: 'test', logFormat: 'json', logLevel: 'silent' })];
    const intake = new LogEventIntake({ owner: 'told' }, { log, publications, leases, clock, logger });
    const parking = new EventParking({ intake, clock, logger, source: '/test' });
    const poison = { parked, clock, limits: { attemptsMax: 3, retryMs: 5, keysMax: 100, heldMax: 100_000 }, leftOut: () => Promise.resolve(nothingLeftOut) };
    const host = new ConsumerHost({ projections: [breakage.projection], owner: 'told', ordersEveryMs: 50 }, { log, leases, store, logger, parking, poison });
    const desk = new ParkedDesk(
      { lookMs: 50 },
      { parked, parking, aggregates, commands: world.commands, log, past, logger, projections: [breakage.projection] },
    );
    await host.start();
    desk.start();
    stop = async () => {
      await host.stop();
      await desk.stop();
      await intake.stop();
    };
    for (const edge of ['edge-a', 'edge-b']) await log.append('edge', [report(edge, 1, thrown), report(edge, 2), report(edge, 3)]);
  });

  afterAll(async () => {
    await stop?.();
    await gateway?.stop();
    await world?.close();
  });

  test('are listed with why and what waits, tried again in vain, then left out or redriven, by a typed word', async () => {
    const viewer = await signIn(gateway.url, await world.key(['operate', 'view']), 'read-models');
    const { page } = viewer;
    const panel = page.getByRole('region', { name: 'Parked' });
    await panel.getByText('4 events wait').waitFor();
    const rows = panel.locator('details');
    expect(await rows.count()).toBe(2);
    const row = rows.filter({ hasText: 'told@1' }).first();
    const id = (await row.getAttribute('data-testid')) ?? '';
    const mine = page.getByTestId(id);
    expect(await mine.locator('summary').innerText()).toMatch(/edge\.reported\s+PROJECTION_FAILED\s+told@1, 2 wait behind it/);
    await mine.locator('summary').click();
    await mine.getByText('cannot count to 666').first().waitFor();
    expect(await mine.getByLabel('Stack').innerText()).toMatch(/RangeError: cannot count to 666\s+at /);
    expect(await mine.getByRole('listitem').count()).toBe(2);

    const tried = Number(/tried (\d+) times/.exec(await mine.innerText())?.[1]);
    await mine.getByRole('button', { name: 'Retry…' }).click();
    const retry = mine.getByRole('button', { name: 'Retry', exact: true });
    await mine.getByLabel('Type retry to retry').fill('retr');
    expect(await retry.isDisabled()).toBe(true);
    await mine.getByLabel('Type retry to retry').fill('retry');
    await retry.click();
    await mine.getByText(`tried ${tried + 1} times`).waitFor({ state: 'attached' });
    // While it is tried it is not parked: a look in that moment takes it off the list, and it comes back closed.
    if ((await mine.getAttribute('open')) === null) await mine.locator('summary').click();

    expect(await mine.getByRole('button', { name: 'Discard…' }).isDisabled()).toBe(true);
    await mine.locator('[name=reason]').fill('counted twice');
    await mine.getByRole('button', { name: 'Discard…' }).click();
    await mine.getByLabel('Type discard to discard').fill('discard');
    await mine.getByRole('button', { name: 'Discard', exact: true }).click();
    await mine.waitFor({ state: 'detached' });
    await panel.getByText('2 events wait').waitFor();

    // As a deployment that mends it.
    breakage.throws = false;
    await rows.locator('summary').click();
    await rows.getByRole('button', { name: 'Retry…' }).click();
    await rows.getByLabel('Type retry to retry').fill('retry');
    await rows.getByRole('button', { name: 'Retry', exact: true }).click();
    await panel.getByText('Nothing is parked').waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();

    await world.settle();
    const [left, redriven] = [await told('discarded'), await told('redriven')];
    expect([left, redriven]).toEqual([[expect.objectContaining({ stateNote: 'counted twice' })], [expect.objectContaining({ state: 'redriven' })]]);
  });

  async function told(state: string): Promise<readonly object[]> {
    const { authorization } = await world.key(['operate']);
    const answer = await fetch(`${gateway.url}/api/v1/events/parked?state=${state}`, { headers: { authorization } });
    return ((await answer.json()) as { items: object[] }).items;
  }

  test('lead to the event itself, and are for operators', async () => {
    breakage.throws = true;
    await world.engines.log.append('edge', [report('edge-c', 1, thrown)]);
    const viewer = await signIn(gateway.url, await world.key(['operate', 'view']), 'read-models');
    const { page } = viewer;
    const row = page.getByRole('region', { name: 'Parked' }).locator('details');
    await row.locator('summary').click();
    await row.getByRole('link', { name: 'the event' }).click();
    const event = page.getByRole('region', { name: 'Event', exact: true });
    await event.getByText('"hits": 666').first().waitFor();
    await viewer.close();
    const stranger = await signIn(gateway.url, await world.key(['view']), 'read-models');
    await stranger.page.getByRole('region', { name: 'Parked' }).getByText('scope operate').waitFor();
    expect(await stranger.page.getByRole('button', { name: 'Retry…' }).count()).toBe(0);
    await stranger.close();
  });
});
