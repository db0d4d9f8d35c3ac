import { describe, expect, test } from '@jest/globals';
import { emptyDraft, orderOf, placeOf, shareDone, type Sandbox } from './sandbox.ts';

const sandbox = { projections: ['streams', 'purges'], progress: [] } as unknown as Sandbox;
const build = (done: number, total: number) => ({ projection: 'streams', done, total, eventsPerSecond: 1 });

describe('a sandbox', () => {
  test('is ordered with what was filled in', () => {
    expect(orderOf({ ...emptyDraft, name: 'why' })).toEqual({ name: 'why' });
    const draft = { name: 'why', from: 'f', until: 'u', projections: ['streams'], expiresInHours: '2', reason: 'r' };
    expect(orderOf(draft)).toEqual({ ...draft, expiresInHours: 2 });
  });

  test.each([
    [[], 0],
    [[build(1, 2)], 0.25],
    [[build(2, 2), build(0, 0)], 1],
  ])('of %j is done to %d', (progress, share) => {
    expect(shareDone({ ...sandbox, progress })).toBe(share);
  });

  test.each([
    ['sandboxes', { name: undefined, table: undefined }],
    ['sandboxes/why', { name: 'why', table: undefined }],
    ['sandboxes/why/stream', { name: 'why', table: 'stream' }],
  ])('%s is a place', (route, place) => {
    expect(placeOf(route)).toEqual(place);
  });
});
