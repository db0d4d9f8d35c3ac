import { describe, expect, test } from '@jest/globals';
import { decodeEvent, edgeReported, topicPartitions } from '#events';
import { MemoryEventLog } from '#adapters/memory';
import { FactPublisher } from '#runtime';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { EdgeFacts, type EdgeReport } from './edge-facts.ts';

const quiet: EdgeReport = {
  requests: 0,
  hits: 0,
  misses: 0,
  collapsed: 0,
  originFetches: 0,
  originErrors: 0,
  bytesServed: 0,
  bytesFromOrigin: 0,
  objects: 0,
  memoryBytes: 0,
};

describe('EdgeFacts', () => {
  test('reports changes at once, and sameness now and then, so that an idle edge is not taken for gone', async () => {
    const clock = new SystemClock();
    const log = new MemoryEventLog(clock);
    await log.ensureTopic('edge', topicPartitions);
    const publisher = new FactPublisher({ log, clock, ids: new UuidV7IdSource(), source: '/edge/edge-1', actor: 'system:edge' });
    const facts = new EdgeFacts(
      { edgeId: 'edge-1', incarnation: 1 },
      { publisher, takeEpoch: () => Promise.resolve(2), stopping: new AbortController().signal },
    );

    const made: number[] = [];
    for (let round = 0; round < 11; round++) {
      await facts.report(round < 10 ? quiet : { ...quiet, requests: 1 });
      made.push(await countOf(log));
    }
    expect(made).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]);
  });
});

async function countOf(log: MemoryEventLog): Promise<number> {
  let count = 0;
  for (const { partition, low } of await log.heads('edge')) {
    const { records } = await log.read('edge', partition, low, { recordsMax: 1000, bytesMax: 1e6, waitMs: 0 });
    count += records.filter((record) => decodeEvent(record).type === edgeReported.type).length;
  }
  return count;
}
