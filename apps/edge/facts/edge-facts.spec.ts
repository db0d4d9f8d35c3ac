import { describe, expect, test } from '@jest/globals';
import { decodeEvent, edgeReported, noLoad, plainEdge, topicPartitions } from '#events';
import { OperatingError } from '#kernel';
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
  ...noLoad,
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

  test('facts that are uncertain together take one next epoch, under which both are said', async () => {
    const clock = new SystemClock();
    const log = new LogInDoubt(clock, 2);
    await log.ensureTopic('edge', topicPartitions);
    const publisher = new FactPublisher({ log, clock, ids: new UuidV7IdSource(), source: '/edge/edge-1', actor: 'system:edge' });
    let taking = 0;
    let taken = 1;
    // As the file is: who writes it while another does, fails.
    const takeEpoch = async (): Promise<number> => {
      if (taking > 0) throw new OperatingError('ENOENT: rename', { code: 'STATE_UNWRITABLE', retryable: false });
      taking++;
      await new Promise((resolve) => setImmediate(resolve));
      taking--;
      return ++taken;
    };
    const facts = new EdgeFacts({ edgeId: 'edge-1', incarnation: 1 }, { publisher, takeEpoch, stopping: new AbortController().signal });

    await Promise.all([facts.report(quiet), facts.register(plainEdge({ edgeId: 'edge-1', url: 'http://edge', region: 'r', memoryBytesMax: 1 }))]);

    expect([taken, log.epochs.toSorted()]).toEqual([2, [1n, 1n, 2n, 2n, 2n]]);
    expect(await countOf(log)).toBe(1);
  });
});

/** Does not know the outcome of its first appends. */
class LogInDoubt extends MemoryEventLog {
  readonly epochs: bigint[] = [];
  #doubts: number;

  constructor(clock: SystemClock, doubts: number) {
    super(clock);
    this.#doubts = doubts;
  }

  override append(...[topic, records, options]: Parameters<MemoryEventLog['append']>): ReturnType<MemoryEventLog['append']> {
    this.epochs.push(options?.producer?.epoch ?? 0n);
    if (this.#doubts === 0) return super.append(topic, records, options);
    this.#doubts--;
    return Promise.reject(new OperatingError('Nobody knows.', { code: 'PRODUCER_UNCERTAIN', retryable: true }));
  }
}

async function countOf(log: MemoryEventLog): Promise<number> {
  let count = 0;
  for (const { partition, low } of await log.heads('edge')) {
    const { records } = await log.read('edge', partition, low, { recordsMax: 1000, bytesMax: 1e6, waitMs: 0 });
    count += records.filter((record) => decodeEvent(record).type === edgeReported.type).length;
  }
  return count;
}
