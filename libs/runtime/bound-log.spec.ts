import { describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryEventLog, MemoryProjectionStore } from '#adapters/memory';
import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { requireBoundLog } from './bound-log.ts';

const clock = new ManualClock();
const projection: Projection<DomainEvent> = { name: 'p', version: 1, contexts: ['stream'], handles: [], ignores: [], tables: [], project: () => [] };

async function logOf(records: number): Promise<MemoryEventLog> {
  const log = new MemoryEventLog(clock);
  await log.ensureTopic('stream', 1);
  for (let n = 0; n < records; n++) await log.append('stream', [{ key: 'k', headers: {}, value: `${n}` }]);
  return log;
}

async function storeAt(position: bigint): Promise<MemoryProjectionStore> {
  const projections = new MemoryProjectionStore(clock);
  await projections.ensure(projection);
  await projections.commit({ projection, at: { topic: 'stream', partition: 0 }, from: 0n, to: position, epoch: 1n, changes: [] });
  return projections;
}

describe('a database and its log', () => {
  test('are bound by the first start, and stay so', async () => {
    const [log, projections] = [await logOf(0), new MemoryProjectionStore(clock)];
    await requireBoundLog({ log, projections });
    await requireBoundLog({ log, projections });
    expect(await projections.boundLog()).toBe(await log.identity());
  });

  test('of before are bound where the checkpoints can be of this log', async () => {
    const [log, projections] = [await logOf(3), await storeAt(3n)];
    await requireBoundLog({ log, projections });
    expect(await projections.boundLog()).toBe(await log.identity());
  });

  test.each([
    ['stands beyond its end', () => logOf(2)],
    ['is of a topic that it does not have', async () => new MemoryEventLog(clock)],
  ])('of before are not bound where a checkpoint %s', async (_what, open) => {
    const [log, projections] = [await open(), await storeAt(3n)];
    await expect(requireBoundLog({ log, projections })).rejects.toMatchObject({
      code: 'LOG_FOREIGN',
      retryable: false,
      message: expect.stringContaining(`another event log, but the settings lead to the event log ${await log.identity()}`),
    });
    expect(await projections.boundLog()).toBeUndefined();
  });

  test('are told apart once they are bound when the log is an older copy, which bears the same name', async () => {
    const [log, projections] = [await logOf(2), await storeAt(3n)];
    await projections.bindLog(await log.identity());
    const refused = requireBoundLog({ log, projections });
    await expect(refused).rejects.toMatchObject({ code: 'LOG_FOREIGN', retryable: false });
    await expect(refused).rejects.toThrow('is older than this database: stream/0 ends at 2, and p@1 has read up to 3');
    await log.append('stream', [{ key: 'k', headers: {}, value: 'back' }]);
    await requireBoundLog({ log, projections });
  });

  test('that do not belong together are told apart, both named, with what to do', async () => {
    const [log, other, projections] = [await logOf(1), await logOf(1), new MemoryProjectionStore(clock)];
    await requireBoundLog({ log, projections });
    const refused = requireBoundLog({ log: other, projections });
    await expect(refused).rejects.toMatchObject({ code: 'LOG_FOREIGN', retryable: false });
    for (const part of [await log.identity(), await other.identity(), 'streams migrate-log']) await expect(refused).rejects.toThrow(part);
  });
});
