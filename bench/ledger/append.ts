import { hash } from 'node:crypto';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { nodeLedgerHash } from '#adapters/ledger';
import { Database, PostgresLedgerStore } from '#adapters/postgres';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { recordText } from '#core/ledger';
import { runMigrations } from '#migrations';
import type { LogRecord } from '#events';
import type { EventLog, LedgerStore, PartitionHead, ReadBatch, ReadLimits } from '#ports';
import { join } from 'node:path';
import { pino } from 'pino';
import { LedgerReader } from '../../apps/gateway/ledger/ledger-reader.ts';
import { Checkpointer } from '../../apps/projector/ledger/checkpointer.ts';
import { LedgerAppender } from '../../apps/projector/ledger/ledger-appender.ts';
import { LedgerSigners } from '#adapters/ledger';
import { MemoryBlobStore, MemoryEventIndex, MemorySecretStore } from '#adapters/memory';
import { countPerSecond, quantile } from '../harness/index.ts';
import { sampleRecords } from '../log/records.ts';

export interface LedgerMeasured {
  /** Records a second: into tree and PostgreSQL from a log that costs nothing to read … */
  readonly append: number;
  /** … from the embedded log … */
  readonly fromLog: number;
  /** … and SHA-256 of the same bytes, one after the other, and nothing else. */
  readonly plain: number;
  /** Of a proof, read from PostgreSQL and the log, ms. */
  readonly proofP50: number;
  readonly proofP99: number;
  /** By the id of the event. */
  readonly byIdP99: number;
}

const topic = 'stream';
const batchRecords = 1000;
const proofs = 500;
/** Proofs before the first that counts: connections are opened, statements prepared. */
const warmUp = 100;

/** Ids of ten events a millisecond, as a busy platform makes them. */
function timedRecords(count: number, from = 0): LogRecord[] {
  return sampleRecords(count, from).map((record, at) => {
    const ms = (1_790_000_000_000 + Math.floor((from + at) / 10)).toString(16).padStart(12, '0');
    const ce_id = `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${(from + at).toString(16).padStart(12, '0')}`;
    return { ...record, headers: { ...record.headers, ce_id } };
  });
}

/** Takes the log into an empty ledger. */
async function take(log: EventLog, store: LedgerStore, epoch: bigint): Promise<LedgerAppender> {
  const appender = new LedgerAppender({ topics: [topic], epoch }, { log, store, logger: pino({ level: 'silent' }), now: Date.now });
  while ((await appender.catchUp(new AbortController().signal)) > 0);
  return appender;
}

/** The same log, out of memory. */
async function inMemory(log: EventLog): Promise<EventLog> {
  const partitions = await Promise.all(
    (await log.heads(topic)).map(async ({ partition, high }) => {
      const records = [];
      for (let from = 0n; from < high;) {
        const batch = await log.read(topic, partition, from, { recordsMax: 5000, bytesMax: 1e9, waitMs: 0 });
        records.push(...batch.records);
        from = batch.next;
      }
      return records;
    }),
  );
  const heads = partitions.map((records, partition): PartitionHead => ({ partition, low: 0n, high: BigInt(records.length) }));
  const read = async (_topic: string, partition: number, from: bigint, limits: ReadLimits): Promise<ReadBatch> => {
    const all = partitions[partition] ?? [];
    const records = all.slice(Number(from), Number(from) + limits.recordsMax);
    return { records, next: from + BigInt(records.length), high: BigInt(all.length) };
  };
  return { heads: async () => heads, read } as unknown as EventLog;
}

/** Twelve partitions of segment announcements. */
async function fill(log: EventLog, count: number): Promise<void> {
  await log.ensureTopic(topic, 12);
  for (let from = 0; from < count; from += batchRecords) await log.append(topic, timedRecords(Math.min(batchRecords, count - from), from));
}

export async function measureAppend(folder: string, count: number): Promise<LedgerMeasured> {
  const server = await temporaryPostgres();
  await runMigrations(server.url);
  const database = new Database({ url: server.url });
  const log = new SqliteEventLog({ path: join(folder, 'events.sqlite') }, { clock: new SystemClock() });
  try {
    await fill(log, count);
    const store = new PostgresLedgerStore(database);
    const { ledgers, ...rates } = await takingRates({ log, store, count }, async () => {
      await database.run({ text: 'TRUNCATE streams.ledger_trees, streams.ledger_tiles' });
    });
    const secrets = new MemorySecretStore();
    await new Checkpointer({ store, signersOf: (keys) => LedgerSigners.fromSecrets('bench', secrets, keys) }).sign(ledgers);
    // Nothing of it is sealed.
    const served = new SealedEventLog({}, { hot: log, blobs: () => Promise.resolve(new MemoryBlobStore()) }).asStored();
    return {
      ...rates,
      ...(await measureProofs(new LedgerReader({ store, log: served, index: new MemoryEventIndex(new SystemClock()), now: Date.now }), log, count)),
    };
  } finally {
    await log.close();
    await database.close();
    await server.stop();
  }
}

interface Taking {
  readonly log: EventLog;
  readonly store: LedgerStore;
  readonly count: number;
}

/** On its own, so that a heap of a whole log is gone when proofs are timed. */
async function takingRates(
  { log, store, count }: Taking,
  empty: () => Promise<void>,
): Promise<Pick<LedgerMeasured, 'append' | 'fromLog' | 'plain'> & Pick<LedgerAppender, 'ledgers'>> {
  const memory = await inMemory(log);
  await take(memory, store, 1n); // compiled and warm
  await empty();
  const append = await countPerSecond(count, async () => void (await take(memory, store, 1n)));
  await empty();
  let appender: LedgerAppender | undefined;
  const fromLog = await countPerSecond(count, async () => void (appender = await take(log, store, 1n)));
  const texts = timedRecords(count).map((record) => Buffer.from(`\0${recordText(record, nodeLedgerHash)}`));
  const plain = await countPerSecond(count, () => {
    for (const text of texts) hash('sha256', text, 'buffer');
  });
  return { append, fromLog, plain, ledgers: appender?.ledgers ?? [] };
}

async function measureProofs(reader: LedgerReader, log: EventLog, count: number): Promise<Pick<LedgerMeasured, 'proofP50' | 'proofP99' | 'byIdP99'>> {
  const heads = await log.heads(topic);
  const byPlace: number[] = [];
  const byId: number[] = [];
  for (let n = -warmUp; n < proofs; n++) {
    const head = heads[Math.abs(n) % heads.length] as PartitionHead;
    const offset = (head.high * BigInt((Math.abs(n) * 7919) % 1000)) / 1000n;
    const started = performance.now();
    const { kind } = await reader.proveAt({ topic, partition: head.partition }, offset);
    const byPlaceMs = performance.now() - started;
    const id = timedRecords(1, (Math.abs(n) * 104_729) % count)[0]?.headers['ce_id'] ?? '';
    const begun = performance.now();
    const found = await reader.proveEvent(id);
    const byIdMs = performance.now() - begun;
    if (kind !== 'proof' || found.kind !== 'proof') throw new Error(`no proof of offset ${offset} or event ${id}`);
    if (n < 0) continue;
    byPlace.push(byPlaceMs);
    byId.push(byIdMs);
  }
  return { proofP50: quantile(byPlace, 0.5), proofP99: quantile(byPlace, 0.99), byIdP99: quantile(byId, 0.99) };
}
