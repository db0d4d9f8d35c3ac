/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { RetentionKeeper } from '../../apps/projector/retention/retention-keeper.ts';
import { Viewer } from '../constellation/viewer.ts';
import { keepLedger } from '../ledger/ledger-run.ts';
import { history } from '../replay/history.ts';
import { recordAll } from '../replay/world.ts';

jest.setTimeout(180_000);

const consolePath = fileURLToPath(new URL('../../console', import.meta.url));

describe('the audit ledger in the console, in a real browser', () => {
  let world: World;
  let gateway: RunningGateway;
  const events = history({ seed: 5, streams: 6, segments: 8 });

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, consolePath);
    await recordAll(world.engines, events);
    await world.settle();
    await keepLedger({ ...world.engines, store: world.engines.ledger });
  });

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  async function audit(...scopes: Parameters<World['key']>[0]): Promise<Viewer> {
    const { authorization } = await world.key(scopes);
    const viewer = await Viewer.open(`${gateway.url}/#/audit`);
    await viewer.page.fill('input', authorization.slice('Bearer '.length));
    await viewer.page.keyboard.press('Enter');
    await viewer.page.getByText('Prove an event').waitFor();
    return viewer;
  }

  test('an event is proven, and the proof worked out again in the browser; one with a bent hash is not', async () => {
    const viewer = await audit('operate', 'view');
    const { page } = viewer;
    const records = page.locator('.ledger .facts dd').first();
    await records.waitFor();
    expect(Number((await records.innerText()).replaceAll(',', ''))).toBeGreaterThanOrEqual(events.length);
    const prove = async (): Promise<string> => {
      await page.getByPlaceholder('0192').fill(events[20]?.record.headers['ce_id'] ?? '');
      await page.getByRole('button', { name: 'Prove', exact: true }).click();
      const verdict = page.locator('.proof .note');
      await verdict.waitFor();
      return verdict.innerText();
    };
    expect(await prove()).toMatch(/^It is on the log as it was recorded: record \d+ of \d+ of /);
    await page.route('**/proof', async (route) => {
      const answer = (await (await route.fetch()).json()) as { proof: string[] };
      answer.proof[0] = Buffer.alloc(32, 7).toString('base64');
      await route.fulfill({ json: answer });
    });
    expect(await prove()).toMatch(/^The proof does not hold/);
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });

  test('what is not in the ledger, and who may not see it, is told', async () => {
    const viewer = await audit('operate', 'view');
    await viewer.page.getByPlaceholder('0192').fill('no-such-event');
    await viewer.page.getByRole('button', { name: 'Prove', exact: true }).click();
    await viewer.page.getByText('no event no-such-event in the audit ledger').waitFor();
    await viewer.close();
    const stranger = await audit('view');
    await stranger.page.locator('.ledger').getByText('scope operate').waitFor();
    await stranger.close();
  });
  test('what lies in the engine is sealed by a typed word, and its segments are shown', async () => {
    const viewer = await audit('admin');
    const { page } = viewer;
    const row = page.getByTestId('log-content');
    await row.waitFor();
    const cells = async (): Promise<readonly string[]> => row.getByRole('cell').allInnerTexts();
    const [, hot = '', , , size] = await cells();
    expect([Number(hot) > 0, size]).toEqual([true, '–']);
    expect(await page.getByRole('button', { name: 'Seal…' }).isDisabled()).toBe(true);
    await page.fill('[name=days]', '0');
    await page.getByRole('button', { name: 'Seal…' }).click();
    await page.getByLabel('Type seal to seal').fill('seal');
    await page.getByRole('button', { name: 'Seal', exact: true }).click();
    await page.getByText('It was asked for').waitFor();
    const { sealedLog: log, projections: store, ledger, leases, aggregates, clock, ids } = world.engines;
    const settings = { hotMs: {}, keptMs: {} };
    const logger = pino({ level: 'silent' });
    const keeper = new RetentionKeeper(
      { owner: 'test', topics: ['content'], settings, source: '/test', lookMs: 20 },
      { log, ledger, projections: [], store, leases, aggregates, commands: world.commands, clock, ids, logger },
    );
    keeper.start();
    await row.getByRole('button', { name: 'content' }).waitFor();
    await keeper.stop();
    expect((await cells()).slice(1, 3)).toEqual(['0', hot]);
    await row.getByRole('button', { name: 'content' }).click();
    const segments = page.getByTestId('segment');
    await segments.first().waitFor();
    expect(await segments.first().innerText()).toMatch(/content\/\d+ no\. 1\s+0 – \d+/);
    await world.settle();
    await segments.first().getByRole('link').click();
    await page.getByTestId('found').getByText('log.segment-sealed').first().waitFor();
    expect(viewer.problems).toEqual([]);
    await viewer.close();
  });
});
