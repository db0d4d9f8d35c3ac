import { beforeAll, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryEventLog } from '#adapters/memory';
import { contexts, topicPartitions, type LogRecord } from '#events';
import { partitionOf } from '#kernel';
import fc from 'fast-check';
import { openHistory, type HistoryQuery } from './event-history.ts';
import { lanes, lanesOf, type Positions } from './event-filter.core.ts';

/** Says at times that nothing follows, as brokers do that have just changed hands. */
class HastyLog extends MemoryEventLog {
  hasty = 0;
  override async read(...args: Parameters<MemoryEventLog['read']>): ReturnType<MemoryEventLog['read']> {
    return this.hasty-- > 0 ? { records: [], next: args[2], high: args[2] } : super.read(...args);
  }
}

const clock = new ManualClock(1000);
const log = new HastyLog(clock);
const written: { topic: string; key: string; at: number; type: string }[] = [];

beforeAll(async () => {
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  for (let at = 0; at < 700; at++) {
    const topic = contexts[(at * 7) % contexts.length] as (typeof contexts)[number];
    const key = `k${(at * 13) % 29}`;
    const type = at % 10 === 0 ? 'rare' : 'common';
    const record: LogRecord = {
      key,
      headers: { ce_specversion: '1.0', ce_source: '/test', ce_id: `e${at}`, ce_type: type, ce_subject: `${key}/x` },
      value: `{"at":${at}}`,
    };
    clock.advance(1);
    await log.append(topic, [record]);
    written.push({ topic, key, at, type });
  }
});

const numberOf = (event: { json: string }): number => (JSON.parse(event.json) as { data: { at: number } }).data.at;

/** All pages from the first to the last. */
async function readAll(query: Omit<HistoryQuery, 'positions'>, limit: number): Promise<number[]> {
  const seen: number[] = [];
  for (let positions: Positions | undefined; ;) {
    const page = await (await openHistory(log, { ...query, positions })).take(limit);
    seen.push(...page.events.map(numberOf));
    if (!page.more) return seen;
    positions = page.positions;
  }
}

describe('paging through the log', () => {
  test.each(['oldest', 'newest'] as const)('%s first: every event once, in the order in which it was recorded, whatever the page', async (order) => {
    const expected = written.map(({ at }) => at);
    if (order === 'newest') expected.reverse();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 90, max: 800 }), async (limit) => {
        expect(await readAll({ filter: {}, order }, limit)).toEqual(expected);
      }),
      { numRuns: 6 },
    );
  });

  test('by topic, type, key and subject', async () => {
    const check = async (filter: HistoryQuery['filter'], keep: (event: (typeof written)[number]) => boolean): Promise<void> => {
      expect(await readAll({ filter, order: 'oldest' }, 200)).toEqual(written.filter(keep).map(({ at }) => at));
    };
    await check({ contexts: ['edge'] }, ({ topic }) => topic === 'edge');
    await check({ types: ['rare'] }, ({ type }) => type === 'rare');
    await check({ key: 'k3' }, ({ key }) => key === 'k3');
    await check({ subject: 'k3' }, ({ key }) => key === 'k3');
    await check({ subject: 'k3/x', contexts: ['cache'] }, ({ key, topic }) => key === 'k3' && topic === 'cache');
    await check({ subject: 'k' }, () => false);
    await check({ subjectPrefix: 'k3' }, ({ key }) => key === 'k3');
    await check({ tenant: 'nobody' }, () => false);
  });

  test('between two times, the second exclusive', async () => {
    const started = 1000 + 1;
    const expected = written.map(({ at }) => at).filter((at) => at >= 100 && at < 200);
    for (const order of ['oldest', 'newest'] as const) {
      const seen = await readAll({ filter: {}, order, fromMs: started + 100, untilMs: started + 200 }, 33);
      expect(order === 'oldest' ? seen : seen.toReversed()).toEqual(expected);
    }
  });

  test('a page is cut by its limit and goes on exactly behind it', async () => {
    const first = await (await openHistory(log, { filter: {}, order: 'oldest' })).take(10);
    const second = await (await openHistory(log, { filter: {}, order: 'oldest', positions: first.positions })).take(10);
    expect([...first.events, ...second.events].map(numberOf)).toEqual(written.slice(0, 20).map(({ at }) => at));
  });

  test('a key is looked for in its partition alone', () => {
    const partition = partitionOf('k3', topicPartitions);
    expect(lanesOf({ key: 'k3' }).map((at) => lanes[at])).toEqual(contexts.map((topic) => ({ topic, partition })));
    const topicsOf = (types: readonly string[]): ReadonlySet<string | undefined> => new Set(lanesOf({ types }).map((at) => lanes[at]?.topic));
    expect(topicsOf(['stream.started', 'content.published'])).toEqual(new Set(['stream', 'content']));
    expect(topicsOf(['stream.started', 'of.tomorrow'])).toEqual(new Set(contexts));
    expect(lanesOf({ contexts: ['content'], types: ['stream.started'] })).toEqual([]);
    expect(lanesOf({})).toHaveLength(contexts.length * topicPartitions);
  });

  test.each(['oldest', 'newest'] as const)('%s first: an empty answer from the middle of the log is not the end of it', async (order) => {
    log.hasty = 1;
    await expect(openHistory(log, { filter: {}, order })).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: true });
    log.hasty = 0;
    expect(await readAll({ filter: {}, order }, 300)).toHaveLength(700);
  });

  test('positions beyond the end are those of another log', async () => {
    await expect(openHistory(log, { filter: {}, order: 'oldest', positions: lanes.map(() => 10_000n) })).rejects.toThrow('another log');
  });
});
