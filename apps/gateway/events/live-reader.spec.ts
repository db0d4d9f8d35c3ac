import { describe, expect, test } from '@jest/globals';
import { MemoryEventLog } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import fc from 'fast-check';
import { lanes, matches, type EventFilter } from './event-filter.core.ts';
import { LiveReader } from './live-reader.ts';
import { LogEntry, type LiveEvent } from './log-entry.ts';
import { LogTail } from './log-tail.ts';

async function openLog(): Promise<MemoryEventLog> {
  const log = new MemoryEventLog(new SystemClock());
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  return log;
}

/** Types of tomorrow: shown as they are. */
const envelope = { ce_specversion: '1.0', ce_source: '/test' };

async function write(log: MemoryEventLog, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) {
    const headers = {
      ...envelope,
      ce_id: `e${at}`,
      ce_type: at % 7 === 0 ? 'rare' : 'common',
      ce_subject: `k${at % 31}`,
      ce_tenant: at % 2 === 0 ? 'even' : 'odd',
    };
    await log.append(contexts[at % contexts.length] as string, [{ key: `k${at % 31}`, headers, value: `{"at":${at}}` }]);
  }
}

/** Everything that is there, a little at a time. */
async function drain(reader: LiveReader, limits: { bytesMax: number; eventsMax: number }): Promise<LiveEvent[]> {
  const seen: LiveEvent[] = [];
  while (reader.behind) {
    const events = await reader.next(limits);
    expect(events.length).toBeLessThanOrEqual(limits.eventsMax);
    seen.push(...events);
  }
  return seen;
}

const idOf = ({ entry }: LiveEvent): string => entry.record.headers['ce_id'] as string;

const filters = fc.constantFrom<EventFilter>(
  {},
  { contexts: ['edge'] },
  { types: ['rare'] },
  { tenant: 'odd' },
  { key: 'k3' },
  { subjectPrefix: 'k1', contexts: ['cache', 'stream'] },
);

describe('a live reader', () => {
  test('history, then what comes: every wanted event once, whatever the limits and wherever it is broken off', async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 200, max: 100_000 }), async (filter, eventsMax, bytesMax) => {
        const log = await openLog();
        const tail = new LogTail(log);
        const stop = await tail.listen();
        await write(log, 0, 400);
        const first = new LiveReader(
          { log, tail },
          filter,
          lanes.map(() => 0n),
        );
        const seen = [...(await first.next({ bytesMax, eventsMax }))];
        await write(log, 400, 450);
        // The line breaks behind any event that it saw; another reader goes on from there.
        const cut = seen.length === 0 ? first.positions : (seen.at(-1) as LiveEvent).positions;
        const second = new LiveReader({ log, tail }, filter, cut);
        seen.push(...(await drain(second, { bytesMax, eventsMax })));
        await write(log, 450, 500);
        await settled(tail, log);
        seen.push(...(await drain(second, { bytesMax, eventsMax })));
        const ids = seen.map(idOf);
        const wanted = await everything(log, filter);
        expect(new Set(ids).size).toBe(ids.length);
        expect([...ids].sort()).toEqual(wanted.sort());
        expect(second.live).toBe(true);
        stop();
        await log.close();
      }),
      { numRuns: 25 },
    );
  });

  test('near the end events come in the order in which they were recorded', async () => {
    const log = await openLog();
    const tail = new LogTail(log);
    await write(log, 0, 200);
    // What the tail has passed is history; what comes later comes as it does to all who follow.
    const stop = await tail.listen();
    const reader = new LiveReader(
      { log, tail },
      {},
      lanes.map(() => 0n),
    );
    const events = await reader.next({ bytesMax: 1e6, eventsMax: 1000 });
    const times = events.map(({ entry }) => entry.record.recordedAt);
    expect(events).toHaveLength(200);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    stop();
    await log.close();
  });
});

async function everything(log: MemoryEventLog, filter: EventFilter): Promise<string[]> {
  const ids: string[] = [];
  for (const { topic, partition } of lanes) {
    if (filter.contexts?.includes(topic) === false) continue;
    const { records } = await log.read(topic, partition, 0n, { recordsMax: 5000, bytesMax: 1e8, waitMs: 0 });
    for (const record of records) if (matches(filter, new LogEntry(topic, record))) ids.push(record.headers['ce_id'] as string);
  }
  return ids;
}

/** Until the tail has read all that is there. */
async function settled(tail: LogTail, log: MemoryEventLog): Promise<void> {
  const heads = await Promise.all(contexts.map((topic) => log.heads(topic)));
  const end = heads.flat().map(({ high }) => high);
  for (;;) {
    const [last] = tail.from(tail.number - 1, 1) ?? [];
    if (last?.positions.every((position, lane) => position >= (end[lane] as bigint)) === true) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
