import { expect, jest, test } from '@jest/globals';
import { killEffects } from './kill-effects.ts';

jest.setTimeout(180_000);

test.each([
  ['projectors', ['projector', 'projector']],
  ['reactors and workers', ['reactor', 'worker', 'worker']],
] as const)('%s and their database are killed again and again: each event is delivered, under one key', async (_, victims) => {
  const { events, kills, ...rest } = await killEffects({ kills: 8, victims, pauseMs: 400 });
  for (const victim of [...victims, 'database'] as const) expect(kills[victim]).toBeGreaterThan(0);
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(8);
  expect(events).toBeGreaterThan(0);
  expect(rest).toMatchObject({ lost: [], doubled: [], unsettled: 0 });
});
