import { expect, test } from '@jest/globals';
import { ManualClock } from '#adapters/memory';
import { HeadCache } from './head-cache.ts';

function given(max = 10) {
  const clock = new ManualClock(0);
  const store = { states: new Map<string, string>(), loads: 0, away: false };
  const load = (_: string, id: string) => {
    store.loads++;
    if (store.away) return Promise.reject(new Error('away'));
    const state = store.states.get(id);
    return Promise.resolve(state === undefined ? undefined : { version: 1n, state, tenant: 't' });
  };
  return { clock, store, heads: new HeadCache({ context: 'access', keepMs: 100, max }, { load }, clock) };
}

test('a head is asked for once in its time, however many ask, and whether it is there or not', async () => {
  const { clock, store, heads } = given();
  store.states.set('a', 'one');
  expect(await Promise.all([heads.load('a'), heads.load('a'), heads.load('b'), heads.load('b')])).toEqual(['one', 'one', undefined, undefined]);
  store.states.set('a', 'two');
  expect([await heads.load('a'), store.loads]).toEqual(['one', 2]);
  clock.advance(100);
  expect([await heads.load('a'), store.loads]).toEqual(['two', 3]);
});

test('a clock that is set back keeps nobody from asking again', async () => {
  const { clock, store, heads } = given();
  clock.advance(10_000_000);
  store.states.set('a', 'one');
  await heads.load('a');
  store.states.set('a', 'two');
  clock.advance(-7_200_000);
  expect(await heads.load('a')).toBe('two');
});

test('while the store is away the last state counts on; what was never read fails, and is asked for again', async () => {
  const { clock, store, heads } = given();
  store.states.set('a', 'one');
  await heads.load('a');
  store.away = true;
  clock.advance(100);
  expect(await heads.load('a')).toBe('one');
  await expect(heads.load('b')).rejects.toThrow('away');
  store.away = false;
  store.states.set('b', 'there');
  expect(await heads.load('b')).toBe('there');
});

test('what changed here is seen at once, and old heads make room for new ones', async () => {
  const { store, heads } = given(2);
  store.states.set('a', 'one');
  await heads.load('a');
  store.states.set('a', 'two');
  heads.forget('a');
  expect(await heads.load('a')).toBe('two');
  await heads.load('b');
  await heads.load('c');
  const before = store.loads;
  await heads.load('a');
  expect(store.loads).toBe(before + 1);
});
