import { expect, test } from '@jest/globals';
import { ManualClock, MemoryEventLog, MemoryPastStore, MemoryProjectionStore } from '#adapters/memory';
import { edgeReported, topicPartitions, type DomainEvent } from '#events';
import { partitionOf, type Projection } from '#kernel';
import type { NewParkedEvent } from '#ports';
import { StalePast } from './stale-past.ts';

const projection: Projection<DomainEvent> = {
  name: 'edges',
  version: 2,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [],
  tables: [],
  project: () => [],
};
const poisoned: Omit<NewParkedEvent, 'offset' | 'key'> = {
  ...{ tenant: 'acme', eventId: 'e', eventType: edgeReported.type, recordedAtMs: 1, attempts: 5 },
  failure: { code: 'PROJECTION_FAILED', message: 'cannot', stack: '' },
};

test('before rows are exchanged, the past is forgotten from the first event on that stands parked, in its partition alone', async () => {
  const clock = new ManualClock(1000);
  const [log, store, past] = [new MemoryEventLog(clock), new MemoryProjectionStore(clock), new MemoryPastStore()];
  await log.ensureTopic('edge', topicPartitions);
  await store.ensure(projection);
  const [at, untouched] = [3, 5].map((partition) => ({ topic: 'edge', partition })) as [
    { topic: string; partition: number },
    { topic: string; partition: number },
  ];
  const of = (wanted: number): string =>
    Array.from({ length: 999 }, (_, n) => `k-${n}`).find((name) => partitionOf(name, topicPartitions) === wanted) as string;
  const parked = [8n, 12n].map((offset) => ({ ...poisoned, key: `${of(3)}-${offset}`, offset }));
  await store.commit({ projection, at, from: 0n, to: 20n, epoch: 1n, changes: [], holds: { parked, held: [], released: [] } });
  const model = { log: 'l', projection: 'edges', version: 2 };
  const none = async function* () {};
  for (const place of [at, untouched])
    for (const first of [0n, 5n, 10n, 15n]) await past.add(model, { ...place, first, next: first + 5n, lastRecordedAtMs: null, lacks: [] }, none());
  const stale = new StalePast({ log, parked: store.parked, past });
  const chains = async (): Promise<readonly unknown[]> => {
    const cuts = [at, untouched].map((place) => ({ ...place, before: 99n }));
    return (await past.chains(model, cuts)).map((chain) => chain.map(({ first }) => first));
  };
  await stale.forgetBefore(projection, false);
  expect(await chains()).toEqual([[0n], [0n, 5n, 10n, 15n]]);
  // Of what was passed over nobody knows where it all is.
  await stale.forgetBefore(projection, true);
  expect(await chains()).toEqual([[], []]);
});
