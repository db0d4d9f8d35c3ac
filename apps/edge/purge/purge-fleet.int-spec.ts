import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryFolder } from '../edge.fixture.ts';
import { PurgeFleet } from './purge-fleet.fixture.ts';
import { PurgeRounds } from './purge-rounds.fixture.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let fleet: PurgeFleet;

beforeAll(async () => {
  folder = await temporaryFolder();
  fleet = new PurgeFleet(folder.path);
  await fleet.open(8);
}, 60_000);

afterAll(async () => {
  await fleet.close();
  await folder.remove();
});

// More rounds, with other dice: `npm run bench -- purge --rounds=200`.
test('eight edges, of which some are killed and some stand still, serve nothing that is older than a purge', async () => {
  const faults = ['none', 'kill', 'stop', 'none', 'kill'] as const;
  const report = await new PurgeRounds(fleet, 17).run(faults.length, (round) => faults[round] ?? 'none');
  expect(report.stale).toEqual([]);
  expect([report.kills > 0, report.partitions > 0, report.answers >= 240]).toEqual([true, true, true]);
}, 120_000);
