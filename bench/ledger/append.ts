import { hash } from 'node:crypto';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { nodeLedgerHash } from '#adapters/ledger';
import { Database, PostgresLedgerStore } from '#adapters/postgres';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { recordText } from '#core/ledger';
import { runMigrations } from '#migrations';
import type { EventLog, LedgerStore, PartitionHead, ReadBatch, ReadLimits } from '#ports';
import { join } from 'node:path';
import { pino } from 'pino';
import { Checkpointer } from '../../apps/projector/ledger/checkpointer.ts';
import { LedgerAppender } from '../../apps/projector/ledger/ledger-appender.ts';
import { LedgerSigners } from '#adapters/ledger';
import { MemorySecretStore } from '#adapters/memory';
import { countPerSecond } from '../harness/index.ts';
import { proofsOf } from './proofs.ts';
import { timedRecords, topic } from './timed-records.ts';

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

const batchRecords = 1000;

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
  const logPath = join(folder, 'events.sqlite');
  const log = new SqliteEventLog({ path: logPath }, { clock: new SystemClock() });
  try {
    await fill(log, count);
    const store = new PostgresLedgerStore(database);
    const { ledgers, ...rates } = await takingRates({ log, store, count }, async () => {
      await database.run({ text: 'TRUNCATE streams.ledger_trees, streams.ledger_tiles' });
    });
    const secrets = new MemorySecretStore();
    await new Checkpointer({ store, signersOf: (keys) => LedgerSigners.fromSecrets('bench', secrets, keys) }).sign(ledgers);
    return { ...rates, ...(await proofsOf({ url: server.url, logPath, count })) };
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
