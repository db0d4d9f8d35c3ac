import { beforeEach, describe, expect, test } from '@jest/globals';
import { LedgerSigners, nodeLedgerHash } from '#adapters/ledger';
import {
  ManualClock,
  MemoryAggregateStore,
  MemoryBlobStore,
  MemoryEventLog,
  MemoryLeaseStore,
  MemoryLedgerStore,
  MemoryOutbox,
  MemoryProjectionStore,
  MemorySecretStore,
} from '#adapters/memory';
import { readSegment, SealedEventLog, SegmentReader, type SealedSegment } from '#adapters/sealed-log';
import { parseCheckpoint, verifyRange } from '#core/ledger';
import { sealingAggregate } from '#domain/operation';
import { decodeEvent, logSegmentSealed, type StoredRecord } from '#events';
import { OperatingError, partitionOf } from '#kernel';
import { CommandExecutor, readRetentionSettings } from '#runtime';
import { pino } from 'pino';
import { Checkpointer } from '../ledger/checkpointer.ts';
import { LedgerAppender } from '../ledger/ledger-appender.ts';
import { PartitionRetention } from './partition-retention.ts';
import { PassedOffsets } from './passed-offsets.ts';
import { RetentionEvents } from './retention-events.ts';
import { RetentionKeeper } from './retention-keeper.ts';
import { retentionWarning } from './retention-warning.ts';

const logger = pino({ level: 'silent' });
const never = new AbortController().signal;
const topic = 'stream';
const partition = partitionOf('k', 12);
const hourMs = 3_600_000;

/** Counts what changes something, and breaks off at one of them, before or after it was done. */
class Faults {
  steps = 0;
  at = -1;
  after = false;

  async step<T>(work: () => Promise<T>): Promise<T> {
    const isIt = this.steps++ === this.at;
    const crash = new OperatingError('the process died', { code: 'CRASHED', retryable: true });
    if (isIt && !this.after) throw crash;
    const result = await work();
    if (isIt) throw crash;
    return result;
  }
}

class FaultyLog extends MemoryEventLog {
  readonly faults = new Faults();
  override append(...args: Parameters<MemoryEventLog['append']>): ReturnType<MemoryEventLog['append']> {
    return this.faults.step(() => super.append(...args));
  }
  override truncate(...args: Parameters<MemoryEventLog['truncate']>): Promise<void> {
    return this.faults.step(() => super.truncate(...args));
  }
}

class FaultyBlobs extends MemoryBlobStore {
  readonly #faults: Faults;
  constructor(faults: Faults) {
    super();
    this.#faults = faults;
  }
  override putStream(source: AsyncIterable<Uint8Array>): ReturnType<MemoryBlobStore['putStream']> {
    return this.#faults.step(() => super.putStream(source));
  }
  override read(...args: Parameters<MemoryBlobStore['read']>): ReturnType<MemoryBlobStore['read']> {
    return this.#faults.step(() => super.read(...args));
  }
  override delete(cid: string): Promise<void> {
    return this.#faults.step(() => super.delete(cid));
  }
}

let clock: ManualClock;
let hot: FaultyLog;
let blobs: FaultyBlobs;
let store: MemoryLedgerStore;
let secrets: MemorySecretStore;
let epochs = 0n;

beforeEach(() => {
  clock = new ManualClock(1_700_000_000_000);
  hot = new FaultyLog(clock);
  blobs = new FaultyBlobs(hot.faults);
  store = new MemoryLedgerStore(clock);
  secrets = new MemorySecretStore();
});

const open = (): SealedEventLog => new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });

async function write(from: number, to: number): Promise<void> {
  for (const name of [topic, 'operation']) await hot.ensureTopic(name, 12);
  for (let n = from; n < to; n++) {
    await hot.append(topic, [{ key: 'k', headers: { ce_id: `id-${n}`, ce_type: 'nobody.knows' }, value: `{"n":${n}}` }]);
    clock.advance(1000);
  }
}

/** Takes all into the ledger and signs it. */
async function sign(): Promise<void> {
  const appender = new LedgerAppender({ topics: [topic], epoch: ++epochs }, { log: open(), store, logger, now: () => clock.now() });
  while ((await appender.catchUp(never)) > 0);
  await new Checkpointer({ store, signersOf: (count) => LedgerSigners.fromSecrets('ledger.example', secrets, count) }).sign(appender.ledgers);
}

function retention(log: SealedEventLog, isFolded = true): PartitionRetention {
  const epoch = ++epochs;
  const ids = { next: () => `id-${epoch}-${clock.now()}` };
  const events = new RetentionEvents({ epoch, clock, ids, source: '/test' }, log);
  const parts = { log, sealer: log.sealer(epoch, nodeLedgerHash), ledger: store, events, now: () => clock.now() };
  return new PartitionRetention({ topic, partition }, { ...parts, foldRest: async ({ before }) => isFolded && before === 50n });
}

async function passAll(): Promise<PassedOffsets> {
  return PassedOffsets.read([], new MemoryProjectionStore(clock));
}

async function seal(log: SealedEventLog, hotMs: number, all = true): Promise<readonly SealedSegment[]> {
  const one = retention(log);
  await one.finish();
  return one.seal({ hotMs, passed: await passAll(), all, stop: never });
}

async function everything(log: SealedEventLog): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let at = (await log.heads(topic))[partition]?.low ?? 0n; ;) {
    const batch = await log.read(topic, partition, at, { recordsMax: 1000, bytesMax: 1e9, waitMs: 0 });
    if (batch.next === at) return records;
    records.push(...batch.records);
    at = batch.next;
  }
}

async function told(): Promise<ReadonlyArray<{ readonly number: number; readonly cid: string }>> {
  const found = [];
  for (const head of await hot.heads('operation')) {
    const { records } = await hot.read('operation', head.partition, head.low, { recordsMax: 1000, bytesMax: 1e9, waitMs: 0 });
    for (const record of records) {
      const event = decodeEvent(record);
      if (event.type === logSegmentSealed.type) found.push({ number: event.data.number, cid: event.data.cid });
    }
  }
  return found;
}

describe('retention of a partition', () => {
  test('seals what is old and signed, tells it, and removes it from the engine; each segment is proven by itself', async () => {
    await write(0, 500);
    await sign();
    await write(500, 600);
    const log = open();
    const before = await everything(log);
    // 600 s have passed: 200 records are older than 400 s.
    expect(await seal(log, 400_000)).toMatchObject([{ number: 1, first: 0n, end: 200n, records: 200, firstLeaf: 0 }]);
    expect((await hot.heads(topic))[partition]?.low).toBe(200n);
    // All are old, but 500 alone are signed.
    const segments = [...(await log.sealed(topic, partition)).segments, ...(await seal(log, 0))];
    expect(segments).toMatchObject([{ number: 1 }, { number: 2, first: 200n, end: 500n, firstLeaf: 200 }]);
    expect((await hot.heads(topic))[partition]?.low).toBe(500n);
    expect(await everything(open())).toEqual(before);
    expect(await told()).toEqual(segments.map(({ number, cid }) => ({ number, cid })));
    for (const segment of segments) {
      const { index, range, fault } = await readSegment(segment, new SegmentReader({ blobs: () => Promise.resolve(blobs), cacheBytes: 0 }), nodeLedgerHash);
      const { checkpoint, ...proof } = index.proof as NonNullable<typeof index.proof>;
      expect(fault).toBeUndefined();
      expect(verifyRange(range.range, range.roots(), parseCheckpoint(checkpoint), proof, nodeLedgerHash)).toBe(true);
    }
  });

  test('waits for a read model that is behind, and for company when there is little', async () => {
    await write(0, 300);
    await sign();
    const log = open();
    const behind = { of: () => 120n } as unknown as PassedOffsets;
    const pass = { hotMs: 0, all: true, stop: never };
    expect(await retention(log).seal({ ...pass, passed: behind })).toMatchObject([{ end: 120n }]);
    // Little, and none of it old: it waits for a tenth of the age.
    expect(await seal(log, hourMs, false)).toEqual([]);
    clock.advance(hourMs);
    expect(await seal(log, hourMs, false)).toEqual([]);
    clock.advance(hourMs * 0.2);
    expect(await seal(log, hourMs, false)).toMatchObject([{ first: 120n, end: 300n }]);
  });

  test('before anything is signed, nothing is sealed', async () => {
    await write(0, 10);
    expect(await seal(open(), 0)).toEqual([]);
  });

  test('a log that begins in the middle is sealed from there, at its leaf', async () => {
    await write(0, 300);
    await sign();
    await hot.truncate(topic, partition, 270n);
    expect(await seal(open(), 0)).toMatchObject([{ first: 270n, firstLeaf: 270, records: 30 }]);
  });

  test('a record that is not the signed one is not sealed, and nothing is removed', async () => {
    await write(0, 20);
    await sign();
    class Forged extends FaultyLog {
      override async read(...args: Parameters<MemoryEventLog['read']>): ReturnType<MemoryEventLog['read']> {
        const batch = await hot.read(...args);
        return { ...batch, records: batch.records.map((one) => (one.offset === 7n ? { ...one, value: '{"n":8}' } : one)) };
      }
      override heads(name: string): ReturnType<MemoryEventLog['heads']> {
        return hot.heads(name);
      }
      override offsetAt(...args: Parameters<MemoryEventLog['offsetAt']>): Promise<bigint> {
        return hot.offsetAt(...args);
      }
      override identity(): Promise<string> {
        return hot.identity();
      }
    }
    const forged = new SealedEventLog({}, { hot: new Forged(clock), blobs: () => Promise.resolve(blobs) });
    await expect(retention(forged).seal({ hotMs: 0, passed: await passAll(), all: true, stop: never })).rejects.toThrow(/records 0 to 19 are not the ones/);
    expect((await hot.heads(topic))[partition]?.low).toBe(0n);
    expect(await told()).toEqual([]);
  });

  test('what is older than it is kept goes for good, in whole segments', async () => {
    await write(0, 100);
    await sign();
    const log = open();
    const [first] = await seal(log, 50_000);
    await seal(log, 0);
    const cid = first?.cid ?? '';
    expect(await retention(log).expire(60_000)).toBe(0);
    expect(await retention(log, false).expire(45_000)).toBe(0);
    expect((await open().heads(topic))[partition]).toMatchObject({ low: 0n });
    expect(await retention(log).expire(45_000)).toBe(50);
    expect(await blobs.stat(cid)).toBeUndefined();
    expect((await everything(open())).map(({ offset }) => offset)[0]).toBe(50n);
    expect((await open().heads(topic))[partition]).toMatchObject({ low: 50n, high: 100n });
  });

  test('whatever step the process dies at, the next one goes on: nothing is lost, doubled or told twice', async () => {
    const run = async (at: number, after: boolean): Promise<boolean> => {
      hot = new FaultyLog(clock);
      blobs = new FaultyBlobs(hot.faults);
      store = new MemoryLedgerStore(clock);
      await write(0, 40);
      await sign();
      const before = await everything(open());
      Object.assign(hot.faults, { steps: 0, at, after });
      let died = false;
      try {
        await seal(open(), 20_000);
        await seal(open(), 0);
        await retention(open()).expire(25_000);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CRASHED' });
        died = true;
      }
      hot.faults.at = -1;
      expect((await everything(open())).map(({ offset }) => offset)).toEqual(before.slice(-(await everything(open())).length).map(({ offset }) => offset));
      await seal(open(), 0);
      const log = open();
      const { segments, end } = await log.sealed(topic, partition);
      const head = (await hot.heads(topic))[partition];
      expect([end, head?.low, head?.high]).toEqual([40n, 40n, 40n]);
      const held = await everything(log);
      expect(held).toEqual(before.slice(40 - held.length));
      const numbers = (await told()).map(({ number }) => number);
      expect(numbers).toEqual(Array.from(numbers, (_, n) => n + 1));
      expect(numbers.at(-1)).toBe(segments.at(-1)?.number ?? 0);
      return died;
    };
    for (const after of [false, true]) {
      let steps = 0;
      while (await run(steps, after)) steps++;
      expect(steps).toBeGreaterThan(10);
    }
  });
});

describe('the keeper', () => {
  function keeper(owner: string, hotMs: number | undefined, leases: MemoryLeaseStore, aggregates: MemoryAggregateStore): RetentionKeeper {
    const ids = { next: () => `id-${Math.random()}` };
    const commands = new CommandExecutor({ aggregates, clock, ids, source: '/test' });
    const settings = { hotMs: hotMs === undefined ? {} : { stream: hotMs }, keptMs: {} };
    const init = { owner, topics: [topic, 'operation'] as const, settings, source: '/test', roundMs: 5, lookMs: 2 };
    const deps = { log: open(), ledger: store, projections: [], store: new MemoryProjectionStore(clock), leases, aggregates, commands, clock, ids, logger };
    return new RetentionKeeper(init, deps);
  }
  const until = async (is: () => Promise<boolean>): Promise<void> => {
    while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const low = async (): Promise<bigint> => (await hot.heads(topic))[partition]?.low ?? 0n;

  test('of two projectors one seals; when it ends, the other goes on', async () => {
    await write(0, 50);
    await sign();
    const [leases, aggregates] = [new MemoryLeaseStore(clock), new MemoryAggregateStore(new MemoryOutbox(clock))];
    const [one, two] = [keeper('a', 0, leases, aggregates), keeper('b', 0, leases, aggregates)];
    one.start();
    two.start();
    await until(async () => (await low()) === 50n);
    await one.stop();
    await write(50, 80);
    await sign();
    await until(async () => (await low()) === 80n);
    await two.stop();
    expect((await told()).map(({ number }) => number)).toEqual([1, 2]);
    expect(await everything(open())).toHaveLength(80);
  });

  test('without settings it seals nothing until somebody orders it, and says what came of it', async () => {
    await write(0, 50);
    await sign();
    const [leases, aggregates] = [new MemoryLeaseStore(clock), new MemoryAggregateStore(new MemoryOutbox(clock))];
    const one = keeper('a', undefined, leases, aggregates);
    one.start();
    const commands = new CommandExecutor({ aggregates, clock, ids: { next: () => 'c' }, source: '/test' });
    const order = { type: 'RequestSealing', sealingId: 'sl-1', olderThanMs: 30_000, reason: 'full' } as const;
    expect(await low()).toBe(0n);
    await commands.execute(sealingAggregate, 'sl-1', order, { actor: 'key:a', correlationId: 'c' });
    await until(async () => ((await aggregates.load('operation', 'sl-1'))?.state as { sealing: string } | undefined)?.sealing === 'ended');
    await one.stop();
    expect(await low()).toBe(20n);
    expect((await aggregates.load('operation', 'sl-1'))?.state).toMatchObject({ result: { segments: 1, records: 20, failures: 0 } });
  });
});

describe('its settings', () => {
  test('are warned of where brokers forget sooner', () => {
    const retention = readRetentionSettings({ LOG_HOT_DAYS: '2,edge=0.1' });
    const kafka = (retentionMs: number): never => ({ retentionMs }) as never;
    expect(retentionWarning({ kafka: undefined, retention })).toBeUndefined();
    expect(retentionWarning({ kafka: kafka(-1), retention })).toBeUndefined();
    expect(retentionWarning({ kafka: kafka(72 * hourMs), retention })).toBeUndefined();
    expect(retentionWarning({ kafka: kafka(24 * hourMs), retention })).toMatch(/stream.*before LOG_HOT_DAYS/);
    expect(retentionWarning({ kafka: kafka(24 * hourMs), retention })).not.toContain('edge');
  });

  test.each([
    [{}, {}],
    [{ LOG_HOT_DAYS: '30,playback=0.5,access=never' }, { stream: 30 * 24 * hourMs, playback: 12 * hourMs, access: undefined }],
    [{ LOG_HOT_DAYS: 'edge=7' }, { edge: 7 * 24 * hourMs, stream: undefined }],
  ])('%j', (env, hotMs) => {
    const read = readRetentionSettings(env).hotMs;
    for (const [context, age] of Object.entries(hotMs)) expect(read[context as 'stream']).toBe(age);
  });

  test.each([
    [{ LOG_HOT_DAYS: '0' }, 'LOG_HOT_DAYS'],
    [{ LOG_HOT_DAYS: 'nowhere=3' }, 'LOG_HOT_DAYS'],
    [{ LOG_HOT_DAYS: 'a month' }, 'LOG_HOT_DAYS'],
    [{ LOG_SEALED_DAYS: '90' }, 'LOG_SEALED_DAYS'],
    [{ LOG_HOT_DAYS: '30', LOG_SEALED_DAYS: '7' }, 'LOG_SEALED_DAYS'],
  ])('%j is refused', (env, setting) => {
    expect(() => readRetentionSettings(env)).toThrow(setting);
  });
});
