import { ledgerGapNote, LedgerSigners, nodeLedgerHash, originOf, verifyEd25519 } from '#adapters/ledger';
import { ManualClock, MemoryEventLog, MemoryLeaseStore, MemoryLedgerStore, MemorySecretStore } from '#adapters/memory';
import {
  auditTiles,
  originKeys,
  parseCheckpoint,
  parseTreeList,
  printedAt,
  readKeyList,
  RecordAudit,
  hashRecord,
  signedBy,
  tilesOf,
  wasAt,
} from '#core/ledger';
import type { LogRecord } from '#events';
import { OperatingError } from '#kernel';
import type { LedgerGrowth } from '#ports';
import { Health } from '#runtime';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Checkpointer } from './checkpointer.ts';
import { LedgerAppender } from './ledger-appender.ts';
import { LedgerKeeper } from './ledger-keeper.ts';

class FragileStore extends MemoryLedgerStore {
  /** Growth that arrives, and is not acknowledged, as often as this. */
  lostAnswers = 0;
  override async grow(growths: readonly LedgerGrowth[]): Promise<void> {
    await super.grow(growths);
    if (this.lostAnswers-- > 0) throw new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });
  }
}

/** A database that does not let us in. */
class RefusingLeases extends MemoryLeaseStore {
  refusal: OperatingError | undefined;

  override async acquire(...args: Parameters<MemoryLeaseStore['acquire']>): ReturnType<MemoryLeaseStore['acquire']> {
    if (this.refusal !== undefined) throw this.refusal;
    return super.acquire(...args);
  }
}

/** A log whose past can be changed, as somebody who has the disk can. */
class ForgedLog extends MemoryEventLog {
  forge: ((record: LogRecord) => LogRecord) | undefined;

  override async read(...args: Parameters<MemoryEventLog['read']>): ReturnType<MemoryEventLog['read']> {
    const batch = await super.read(...args);
    return { ...batch, records: batch.records.map((record) => ({ ...record, ...this.forge?.(record) })) };
  }
}

const never = new AbortController().signal;
let clock: ManualClock;
let log: ForgedLog;
let store: FragileStore;

const record = (n: number): LogRecord => ({ key: 'k', headers: { ce_id: `id-${n}`, ce_type: 'nobody.knows' }, value: n % 7 === 0 ? 'no JSON' : `{"n":${n}}` });
const records = (from: number, to: number): LogRecord[] => Array.from({ length: to - from }, (_, n) => record(from + n));

function appender(epoch: bigint): LedgerAppender {
  return new LedgerAppender({ topics: ['stream'], epoch }, { log, store, logger: pino({ level: 'silent' }), now: () => clock.now() });
}

/** All records have one key, and so one partition. */
async function treeAt(): Promise<{ readonly partition: number; readonly size: number }> {
  const tree = (await store.progress()).find(({ size }) => size > 0);
  return tree ?? { partition: -1, size: 0 };
}

/** Holds the stored tiles against the log, record by record. */
async function expectWhole(count: number): Promise<void> {
  const { partition, size } = await treeAt();
  expect(size).toBe(count);
  const at = { topic: 'stream', partition };
  const tiles = new Map((await store.tiles(at, [...tilesOf(size)])).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
  const source = (tile: { level: number; index: number }) => tiles.get(`${tile.level}/${tile.index}`);
  expect(auditTiles(size, [size], source, nodeLedgerHash).broken).toEqual([]);
  const audit = new RecordAudit(size, source);
  const hash = new Uint8Array(32);
  for (let from = 0n; from < BigInt(count);) {
    const batch = await log.read('stream', partition, from, { recordsMax: 5000, bytesMax: 1e9, waitMs: 0 });
    for (const one of batch.records) {
      hashRecord(one, nodeLedgerHash, hash, 0);
      audit.push(hash);
    }
    from = batch.next;
  }
  expect(audit.finish()).toBeUndefined();
}

beforeEach(async () => {
  clock = new ManualClock(1_790_000_000_000);
  log = new ForgedLog(clock);
  store = new FragileStore(clock);
  await log.ensureTopic('stream', 12);
});

describe('the ledger', () => {
  test('takes in every record once, readable or not, however often it is taken over', async () => {
    await log.append('stream', records(0, 700));
    expect(await appender(1n).catchUp(never)).toBe(700);
    await log.append('stream', records(700, 900));
    const second = appender(2n);
    expect(await second.catchUp(never)).toBe(200);
    expect(await second.catchUp(never)).toBe(0);
    await log.append('stream', records(900, 1000));
    expect(await second.catchUp(never)).toBe(100);
    await expectWhole(1000);
  });

  test('goes on after a write of which nobody knows whether it arrived', async () => {
    await log.append('stream', records(0, 300));
    store.lostAnswers = 1;
    await expect(appender(1n).catchUp(never)).rejects.toMatchObject({ retryable: true });
    await log.append('stream', records(300, 310));
    expect(await appender(2n).catchUp(never)).toBe(10);
    await expectWhole(310);
  });

  test('an owner that woke up late writes nothing', async () => {
    await log.append('stream', records(0, 10));
    const late = appender(1n);
    await late.catchUp(never);
    await appender(2n).catchUp(never);
    await log.append('stream', records(10, 20));
    await expect(late.catchUp(never)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await appender(3n).catchUp(never);
    await expectWhole(20);
  });

  test('stops at a log whose last record is another one, and goes on when it is back', async () => {
    await log.append('stream', records(0, 10));
    const keeper = appender(1n);
    await keeper.catchUp(never);
    await log.append('stream', records(10, 20));
    log.forge = (one) => ({ ...one, value: `${one.value} ` });
    expect(await keeper.catchUp(never)).toBe(0);
    expect(await appender(2n).catchUp(never)).toBe(0);
    expect((await treeAt()).size).toBe(10);
    log.forge = undefined;
    const next = appender(3n);
    expect(await next.catchUp(never)).toBe(10);
    await expectWhole(20);
  });

  test('stops at a log that was set back', async () => {
    await log.append('stream', records(0, 10));
    await appender(1n).catchUp(never);
    log = new ForgedLog(clock);
    await log.ensureTopic('stream', 12);
    await log.append('stream', records(0, 5));
    expect(await appender(2n).catchUp(never)).toBe(0);
    expect((await treeAt()).size).toBe(10);
  });

  test('goes on behind what retention has removed', async () => {
    await log.append('stream', records(0, 10));
    await appender(1n).catchUp(never);
    const { partition } = await treeAt();
    await log.truncate('stream', partition, 10n);
    await log.append('stream', records(10, 20));
    expect(await appender(2n).catchUp(never)).toBe(10);
    expect(await treeAt()).toMatchObject({ size: 20, position: 20n });
  });

  test('stands still where records are gone that are in no tree', async () => {
    await log.append('stream', records(0, 10));
    await appender(1n).catchUp(never);
    const { partition } = await treeAt();
    await log.append('stream', records(10, 20));
    await log.truncate('stream', partition, 12n);
    const late = appender(2n);
    expect([await late.catchUp(never), await late.catchUp(never)]).toEqual([0, 0]);
    expect(await treeAt()).toMatchObject({ size: 10, position: 10n });
    expect(late.gaps).toEqual([{ topic: 'stream', partition, size: 10, position: 10n, low: 12n }]);
    expect(ledgerGapNote(late.gaps)).toMatch(/^The audit ledger stands still in stream\/\d+: its tree ends at offset 10, but the log begins at 12 there/);
  });

  test('is found by offset and by the time in an id', async () => {
    const id = (ms: number): string =>
      `${ms
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-')}-7000-8000-000000000002`;
    const at = (ms: number): LogRecord => ({ key: 'k', headers: { ce_id: id(ms) }, value: '1' });
    await log.append(
      'stream',
      Array.from({ length: 600 }, (_, n) => at(1_790_000_000_000 + n)),
    );
    await appender(1n).catchUp(never);
    const whole = await store.place({ topic: 'stream', partition: (await treeAt()).partition }, 2);
    await log.append('stream', [at(1_790_000_000_700)]);
    await appender(2n).catchUp(never);
    const { partition } = await treeAt();
    const grown = await store.place({ topic: 'stream', partition }, 2);
    expect([...(grown?.idPrints ?? [])].slice(0, -2)).toEqual([...(whole?.idPrints ?? [])]);
    expect(grown).toMatchObject({ firstOffset: 512n, firstIdMs: 1_790_000_000_512, lastIdMs: 1_790_000_000_700 });
    const [found] = await store.placesAt(1_790_000_000_300, 10);
    expect(found).toMatchObject({ topic: 'stream', partition, index: 1, firstOffset: 256n, firstIdMs: 1_790_000_000_256, lastIdMs: 1_790_000_000_511 });
    expect(printedAt(id(1_790_000_000_300), found?.idPrints ?? new Uint8Array())).toContain(300 - 256);
    expect(await store.placeOf({ topic: 'stream', partition }, 511n)).toMatchObject({ index: 1 });
  });
});

describe('checkpoints', () => {
  const secrets = new MemorySecretStore();
  const signersOf = (count: number): Promise<LedgerSigners> => LedgerSigners.fromSecrets('log.example', secrets, count);

  test('are signed when a tree has grown, and hold for the stored tiles', async () => {
    await log.append('stream', records(0, 300));
    const keeper = appender(1n);
    const checkpointer = new Checkpointer({ store, signersOf });
    await keeper.catchUp(never);
    const [checkpoint] = await checkpointer.sign(keeper.ledgers);
    expect(await checkpointer.sign(keeper.ledgers)).toEqual([]);
    expect(await new Checkpointer({ store, signersOf }).sign(keeper.ledgers)).toEqual([]);
    const { partition } = await treeAt();
    const at = { topic: 'stream', partition };
    expect(await store.checkpoint(at)).toEqual(checkpoint);
    expect(parseTreeList((await store.treeList()) ?? '')).toMatchObject({ origin: 'log.example/trees', trees: [{ tree: `stream/${partition}`, size: 300 }] });
    const signed = parseCheckpoint(checkpoint?.note ?? '');
    expect(signed.origin).toBe(originOf('log.example', at));
    const keys = readKeyList((await store.keyList()) ?? '', [], nodeLedgerHash, verifyEd25519);
    expect(signedBy(signed.note, originKeys(keys, signed.origin, nodeLedgerHash), verifyEd25519).right).toHaveLength(1);
    const tiles = new Map((await store.tiles(at, [...tilesOf(300)])).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    expect(
      wasAt(
        auditTiles(300, [300], ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash),
        signed,
      ),
    ).toBe(true);
  });

  test('are signed by the new key and the one before it, once there is a new one', async () => {
    await log.append('stream', records(0, 3));
    const keeper = appender(1n);
    const checkpointer = new Checkpointer({ store, signersOf });
    await keeper.catchUp(never);
    await checkpointer.sign(keeper.ledgers);
    const old = readKeyList((await store.keyList()) ?? '', [], nodeLedgerHash, verifyEd25519);
    expect(await store.addKey(1)).toBe(true);
    await log.append('stream', records(3, 6));
    await keeper.catchUp(never);
    const [checkpoint] = await checkpointer.sign(keeper.ledgers);
    expect(parseCheckpoint(checkpoint?.note ?? '').note.signatures).toHaveLength(2);
    expect(parseTreeList((await store.treeList()) ?? '').note.signatures).toHaveLength(2);
    expect(readKeyList((await store.keyList()) ?? '', old, nodeLedgerHash, verifyEd25519)).toHaveLength(2);
  });

  test('a store that is away is waited for; one that refuses us is told in health until it does not', async () => {
    let now = 0;
    const health = new Health(30_000, () => now);
    const leases = new RefusingLeases(clock);
    const deps = { log, store, leases, signersOf, logger: pino({ level: 'silent' }), now: () => clock.now(), health };
    const keeper = new LedgerKeeper({ owner: 'one', topics: ['stream'], checkpointMs: 1, checkpointRecords: 1, idleMs: 1, retryMs: 1 }, deps);
    const refusedMs = (): number => health.refused().get('audit ledger') ?? 0;
    leases.refusal = new OperatingError('Away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });
    await keeper.start();
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setTimeout(resolve, 2));
    now += 60_000;
    expect(refusedMs()).toBe(0);

    leases.refusal = new OperatingError('password authentication failed', { code: 'DATABASE_REFUSED', retryable: false });
    await until(async () => (now += 1) > 0 && refusedMs() > 0);
    now += 31_000;
    expect(health.moving().problems).toEqual([expect.stringMatching(/^audit ledger has been refused for \d+ s: password authentication failed$/)]);

    leases.refusal = undefined;
    await log.append('stream', records(0, 10));
    await until(async () => (await treeAt()).size === 10 && refusedMs() === 0);
    expect(health.moving().ok).toBe(true);
    await keeper.stop();
  });

  test('of two keepers one signs, and the other goes on after it', async () => {
    const leases = new MemoryLeaseStore(clock);
    const keeperOf = (owner: string): LedgerKeeper =>
      new LedgerKeeper(
        { owner, topics: ['stream'], checkpointMs: 1, checkpointRecords: 1, idleMs: 1 },
        { log, store, leases, signersOf, logger: pino({ level: 'silent' }), now: () => clock.now() },
      );
    const [one, two] = [keeperOf('one'), keeperOf('two')];
    await one.start();
    await until(async () => (await leases.list('ledger')).length > 0);
    await two.start();
    await log.append('stream', records(0, 300));
    await until(async () => (await treeAt()).size === 300);
    await one.stop();
    const { partition } = await treeAt();
    expect((await store.checkpoint({ topic: 'stream', partition }))?.size).toBe(300);
    await log.append('stream', records(300, 310));
    const three = keeperOf('three');
    await two.stop();
    await three.start();
    await until(async () => (await treeAt()).size === 310);
    await three.stop();
    await expectWhole(310);
  });
});

async function until(there: () => Promise<boolean>): Promise<void> {
  while (!(await there())) await new Promise((resolve) => setTimeout(resolve, 1));
}
