import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contexts, encodeEvent, purgeRequested, streamStopped, topicPartitions, type Context, type LogRecord } from '#events';
import { OperatingError } from '#kernel';
import { MemoryEventLog, MemoryLeaseStore, MemoryOutbox } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import type { AppendOptions, Position } from '#ports';
import { pino } from 'pino';
import { OutboxRelay } from './outbox-relay.ts';
import { pause } from './pause.ts';

const clock = new SystemClock();

/** Fails as often as told: before it writes, or after. */
class ShakyLog extends MemoryEventLog {
  mishaps: Array<'before' | 'after'> = [];

  override async append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    const mishap = this.mishaps.shift();
    const lost = new OperatingError('No answer.', { code: 'LOG_UNAVAILABLE', retryable: true });
    if (mishap === 'before') throw lost;
    const positions = await super.append(topic, records, options);
    if (mishap === 'after') throw lost;
    return positions;
  }
}

class ShakyOutbox extends MemoryOutbox {
  /** Crashes between append and forget, as often as this. */
  crashes = 0;

  override async forget(sequence: bigint): Promise<void> {
    if (this.crashes-- > 0) throw new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });
    await super.forget(sequence);
  }
}

let log: ShakyLog;
let outbox: ShakyOutbox;
let leases: MemoryLeaseStore;
let relays: OutboxRelay[];

beforeEach(() => {
  log = new ShakyLog(clock);
  outbox = new ShakyOutbox(clock);
  leases = new MemoryLeaseStore(clock);
  relays = [];
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await log.close();
});

async function relay(owner: string, rowsMax = 500, leaseTtlMs = 60): Promise<OutboxRelay> {
  const one = new OutboxRelay({ owner, leaseTtlMs, rowsMax, askMs: 10, retryMs: 5 }, { outbox, log, leases, logger: pino({ level: 'silent' }) });
  relays.push(one);
  await one.start();
  return one;
}

function record(at: number, context: 'stream' | 'cache'): LogRecord {
  const envelope = { source: '/t', time: 1, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 0n };
  const draft =
    context === 'stream'
      ? streamStopped.draft({ streamId: 'st-1', reason: 'operator', detail: '' })
      : purgeRequested.draft({ purgeId: 'p-1', urls: ['/'], reason: '' });
  return encodeEvent({ ...envelope, ...draft, id: `${at}`, version: 1, subject: 's', key: context, streamVersion: BigInt(at) });
}

/** Commits `count` events, every third of them of another topic. */
function commit(from: number, count: number): void {
  for (let at = from; at < from + count; at++) {
    const context = at % 3 === 0 ? 'cache' : 'stream';
    outbox.add(context, [record(at, context)]);
  }
}

async function onLog(context: Context): Promise<readonly number[]> {
  const parts = await Promise.all(
    Array.from({ length: topicPartitions }, (_, at) => log.read(context, at, 0n, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 })),
  );
  return parts.flatMap(({ records }) => records.map(({ headers }) => Number(headers['ce_id'])));
}

async function untilDrained(): Promise<void> {
  while ((await outbox.take(1, 0)).length > 0) await pause(2);
}

const expected = (count: number, cache: boolean): number[] => Array.from({ length: count }, (_, at) => at).filter((at) => (at % 3 === 0) === cache);

describe('the outbox relay', () => {
  test('carries events to their topics, in order, and creates the topics first', async () => {
    commit(0, 50);
    await relay('a', 7);
    await untilDrained();
    expect(await onLog('stream')).toEqual(expected(50, false));
    expect(await onLog('cache')).toEqual(expected(50, true));
    for (const topic of contexts) expect(await log.heads(topic)).toHaveLength(topicPartitions);
  });

  test('doubles nothing when it crashes between append and forget, or the log forgets to answer', async () => {
    outbox.crashes = 2;
    log.mishaps = ['after', 'before', 'after'];
    commit(0, 30);
    await relay('a', 11);
    await untilDrained();
    expect(await onLog('stream')).toEqual(expected(30, false));
    expect(await onLog('cache')).toEqual(expected(30, true));
  });

  test('has one at work; when it stops, another goes on without doubling', async () => {
    const first = await relay('a');
    await relay('b');
    commit(0, 20);
    await untilDrained();
    await first.stop();
    commit(20, 20);
    await untilDrained();
    expect(await onLog('stream')).toEqual(expected(40, false));
    expect((await leases.list('outbox')).map(({ owner }) => owner)).toEqual(['b']);
  });

  test('two that both believe to hold the lease do no harm', async () => {
    await relay('a', 3, 100_000);
    const other = new MemoryLeaseStore(clock);
    const rival = new OutboxRelay({ owner: 'b', rowsMax: 5 }, { outbox, log, leases: other, logger: pino({ level: 'silent' }) });
    relays.push(rival);
    await rival.start();
    for (let from = 0; from < 60; from += 6) {
      commit(from, 6);
      await pause(1);
    }
    await untilDrained();
    expect(await onLog('stream')).toEqual(expected(60, false));
  });
});
