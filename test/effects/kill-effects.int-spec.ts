import { expect, jest, test } from '@jest/globals';
import { killEffects } from './kill-effects.ts';

jest.setTimeout(180_000);

test('projectors and their database are killed again and again: each event is delivered, under one key', async () => {
  const { events, kills, ...rest } = await killEffects({ kills: 8, pauseMs: 400 });
  expect(kills).toEqual({ projector: 7, database: 1 });
  expect(events).toBeGreaterThan(50);
  expect(rest).toMatchObject({ lost: [], doubled: [], unsettled: 0 });
});
