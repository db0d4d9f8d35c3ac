import { MemoryBlobStore, MemoryEventIndex } from '#adapters/memory';
import { Database, PostgresLedgerStore } from '#adapters/postgres';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import type { EventLog, PartitionHead } from '#ports';
import { LedgerReader } from '../../apps/gateway/ledger/ledger-reader.ts';
import { keepHeapYoung } from '../../apps/gateway/young-heap.ts';
import { quantile } from '../harness/index.ts';
import type { ProofOrder, ProofTimes } from './proofs.ts';
import { timedRecords, topic } from './timed-records.ts';

const proofs = 500;
/** Proofs before the first that counts: connections are opened, statements prepared. */
const warmUp = 100;

async function measureProofs(reader: LedgerReader, log: EventLog, count: number): Promise<ProofTimes> {
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

// As a gateway does.
keepHeapYoung();
const { url, logPath, count } = JSON.parse(process.argv[2] ?? '') as ProofOrder;
const clock = new SystemClock();
const database = new Database({ url });
const log = new SqliteEventLog({ path: logPath }, { clock });
try {
  // Nothing of it is sealed.
  const served = new SealedEventLog({}, { hot: log, blobs: () => Promise.resolve(new MemoryBlobStore()) }).asStored();
  const reader = new LedgerReader({ store: new PostgresLedgerStore(database), log: served, index: new MemoryEventIndex(clock), now: Date.now });
  console.log(JSON.stringify(await measureProofs(reader, log, count)));
} finally {
  await log.close();
  await database.close();
}
