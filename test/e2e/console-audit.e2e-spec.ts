/** @needs chromium */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { Viewer } from '../constellation/viewer.ts';
import { keepLedger } from '../ledger/ledger-run.ts';
import { history } from '../replay/history.ts';
import { recordAll } from '../replay/world.ts';

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
});
