import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryLeaseStore, MemoryPastStore } from '#adapters/memory';
import { encodeEvent, type DomainEvent, type LogRecord } from '#events';
import type { Projection, TableSpec } from '#kernel';
import type { PartitionHead, ReadQuery } from '#ports';
import { projections } from '#read-models';
import { PastKeeper, PastReadStore, type PastMoment } from '#runtime';
import { pino } from 'pino';
import { eventsOf } from './any-events.ts';
import { recorded } from './recorded-log.ts';

const logger = pino({ level: 'silent' });
const everything: ReadQuery = { limit: 10_000 };

describe('with a beginning removed from the log', () => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  const [table] = projection.tables as [TableSpec];
  const [some] = fc.sample(
    eventsOf(projection).filter(({ length }) => length >= 12),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const events = [...some, ...some].slice(0, 16);

  /** @param cut how much is removed; @param folded how much is in pieces before */
  async function removed(cut: number, folded: bigint) {
    const { clock, log, begunMs } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
    const { partition } = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
    const past = new MemoryPastStore();
    const keeper = new PastKeeper(
      { projections: [projection], owner: 'test', pieceEvents: 4, fan: 2 },
      { log, past, leases: new MemoryLeaseStore(clock), clock, logger, taken: async () => new Map([[`cache/${partition}`, taken]]) },
    );
    let taken = folded;
    await keeper.catchUp();
    taken = BigInt(events.length) * 10n;
    clock.advance(1000);
    await log.truncate('cache', partition, BigInt(cut));
    /** Rows of the version that serves begin there. */
    let rowsBegin = BigInt(cut);
    const outcome = async (moment: PastMoment, version = projection.version): Promise<string> => {
      const serving = { version, begins: [{ topic: 'cache', partition, first: rowsBegin }] };
      const reads = new PastReadStore({ projections, moment, tailMax: 1000, rowsMax: 1000 }, { log, past, serving: async () => serving });
      return reads.select(table, everything).then(
        () => 'read',
        ({ code }: { code: string }) => code,
      );
    };
    /** Of the time when so many events had been recorded. */
    const ofTime = (count: number, serving?: number): Promise<string> => {
      const atMs = begunMs + count;
      return outcome({ atMs, before: (topic, at) => log.offsetAt(topic, at, atMs + 1) }, serving);
    };
    const ofPosition = (count: number, serving?: number): Promise<string> =>
      outcome({ before: async (_topic, at) => (at === partition ? BigInt(count) : 0n) }, serving);
    /** What a past has of the moment at which all had been recorded. */
    const rowsIn = (kept: MemoryPastStore): Promise<readonly object[]> => {
      const moment = { before: async (_topic: string, at: number) => (at === partition ? BigInt(events.length) : 0n) };
      const serving = { version: projection.version, begins: [{ topic: 'cache', partition, first: rowsBegin }] };
      const deps = { log, past: kept, serving: async () => serving };
      return new PastReadStore({ projections, moment, tailMax: 1000, rowsMax: 1000 }, deps).select(table, everything);
    };
    const letRowsBegin = (offset: bigint): void => void (rowsBegin = offset);
    return { keeper, clock, log, partition, ofTime, ofPosition, letRowsBegin, past, rowsIn };
  }

  test('what pieces have of it is answered, and of a time between them it is said that nobody knows', async () => {
    const { ofTime, ofPosition } = await removed(8, 16n);
    // A time before the log begins is not taken for its beginning: the pieces end later than it.
    expect([await ofTime(0), await ofTime(5), await ofTime(8), await ofTime(11)]).toEqual(['PAST_TRUNCATED', 'PAST_TRUNCATED', 'read', 'read']);
    expect([await ofPosition(0), await ofPosition(4), await ofPosition(6), await ofPosition(8)]).toEqual(['read', 'read', 'PAST_TRUNCATED', 'read']);
    expect([await ofTime(8, 99), await ofPosition(4, 99)]).toEqual(['read', 'read']);
  });

  test('what was folded before it is not joined with what comes behind it, which the rows that serve have alone', async () => {
    const { keeper, past, rowsIn } = await removed(8, 4n);
    const behind = await rowsIn(new MemoryPastStore());
    expect(behind.length).toBeGreaterThan(0);
    expect(await rowsIn(past)).toEqual(behind);
    await keeper.catchUp();
    expect(await rowsIn(past)).toEqual(behind);
  });

  test.each([8, 16])('what pieces lack of it is told, and behind it what the rows that serve lack as well is not (%i)', async (cut) => {
    const { keeper, clock, log, partition, ofTime, ofPosition, letRowsBegin } = await removed(cut, 0n);
    for (const kept of [false, true]) {
      if (kept) await keeper.catchUp();
      expect([await ofTime(0), await ofTime(cut - 1), await ofPosition(1), await ofPosition(cut - 1)]).toEqual(Array(4).fill('PAST_TRUNCATED'));
      // Nobody knows when the last of them was recorded, but that it was by then.
      expect([await ofTime(cut), await ofPosition(cut)]).toEqual(['PAST_TRUNCATED', 'read']);
    }
    clock.advance(1);
    expect(await ofTime(100_000)).toBe('read');
    expect(await ofTime(100_000, projection.version + 1)).toBe('PAST_TRUNCATED');
    // Of a restored database the rows may have taken what its pieces lack.
    for (const before of [0n, BigInt(cut) - 1n]) {
      letRowsBegin(before);
      expect([await ofTime(100_000), await ofPosition(cut), await ofPosition(0)]).toEqual(['PAST_TRUNCATED', 'PAST_TRUNCATED', 'read']);
    }
    letRowsBegin(BigInt(cut));
    // Joined to larger pieces it is seen as well.
    for (const event of [...events, ...events]) await log.append('cache', [encodeEvent({ ...event, key: 'one' }) as LogRecord]);
    await keeper.catchUp();
    const { high } = (await log.heads('cache')).find((head) => head.partition === partition) as PartitionHead;
    expect([await ofPosition(Number(high)), await ofPosition(Number(high), projection.version + 1)]).toEqual(['read', 'PAST_TRUNCATED']);
  });
});
