import { ManualClock, MemoryAggregateStore, MemoryOutbox } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { purgeAggregate, type PurgeState } from '#domain/cache';
import type { Effect } from '#ports';
import { CommandExecutor } from '#runtime';
import { expect, test } from '@jest/globals';
import { PurgeWorker } from './purge-worker.ts';

test('a purge that an event calls for is asked for once, however often that is performed, and says what it was for', async () => {
  const clock = new ManualClock(1);
  const aggregates = new MemoryAggregateStore(new MemoryOutbox(clock));
  const ids: string[] = [];
  const load = aggregates.load.bind(aggregates);
  aggregates.load = (context, id) => (ids.push(id), load(context, id));
  const worker = new PurgeWorker(new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/projector/1' }));
  const effect = {
    ...{ key: 'effect-1', eventId: 'event-1', correlationId: 'c', tenant: 'acme', traceparent: '' },
    payload: { selectors: [{ kind: 'tag', value: 'playlist-st-1' }], soft: true, reason: 'the stream ended' },
  } as unknown as Effect;
  expect([await worker.perform(effect), await worker.perform(effect)]).toEqual([{ outcome: 'succeeded' }, { outcome: 'succeeded' }]);
  expect(new Set(ids).size).toBe(1);
  const [purgeId = ''] = ids;
  expect(purgeId).toMatch(/^pg-[a-z2-7]{8,26}$/);
  const head = await load(purgeAggregate.context, purgeId);
  expect(head).toMatchObject({ version: 1n, tenant: 'acme' });
  expect(head?.state as PurgeState).toMatchObject({ status: 'requested', soft: true, reason: 'the stream ended' });
  const wrong = { ...effect, key: 'effect-2', payload: { ...effect.payload, selectors: [] } } as Effect;
  expect(await worker.perform(wrong)).toEqual({ outcome: 'failed', message: expect.stringContaining('1 to') });
});
