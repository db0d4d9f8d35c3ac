import { expect, test } from '@jest/globals';
import { ManualClock, MemoryEventLog, MemoryLedgerStore } from '#adapters/memory';
import { leafRecords } from './leaf-records.ts';

/** Has said that it holds three records, and then knows of two. */
class HastyLog extends MemoryEventLog {
  known = 3n;
  override async read(...[topic, partition, from, limits]: Parameters<MemoryEventLog['read']>): ReturnType<MemoryEventLog['read']> {
    if (from >= this.known) return { records: [], next: from, high: from };
    const { records, high } = await super.read(topic, partition, from, limits);
    const seen = records.filter(({ offset }) => offset < this.known);
    return { records: seen, next: from + BigInt(seen.length), high };
  }
}

test('leaves are not counted while the log shows fewer records than it has said to hold; on one that was cut they are', async () => {
  const clock = new ManualClock();
  const [log, store] = [new HastyLog(clock), new MemoryLedgerStore(clock)];
  await log.ensureTopic('stream', 12);
  const [position] = await log.append(
    'stream',
    ['a', 'b', 'c'].map((value) => ({ key: 'k', headers: {}, value })),
  );
  const at = { topic: 'stream', partition: position?.partition ?? 0 };
  const place = { index: 0, firstOffset: 0n, firstIdMs: 0, lastIdMs: 0, idPrints: new Uint8Array(6) };
  const read = (size: number) => leafRecords(at, place, { ...at, size, position: BigInt(size), lastOffset: BigInt(size - 1), beginsAt: 0n }, { log, store });
  const three = [0, 1, 2].map((index) => expect.objectContaining({ index }));
  expect(await read(3)).toEqual(three);
  // The tree has five leaves, the log three records: somebody took the others away.
  expect(await read(5)).toEqual(three);
  log.known = 2n;
  await expect(read(3)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: true });
});
