/** @needs java maven kcat */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { audit, BundleWriter, nodeLedgerHash, openBundle, proofFlaw } from '#adapters/ledger';
import {
  MemoryBlobStore,
  MemoryEventIndex,
  MemoryLeaseStore,
  MemoryLedgerStore,
  MemoryProjectionStore,
  MemoryPublicationStore,
  MemoryReadStore,
  MemorySecretStore,
} from '#adapters/memory';
import { leafInput, SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { encodeBundle, type RangeTree } from '#core/ledger';
import { apiKeyTable, keysProjection } from '#domain/access';
import { contentsProjection, contentTable } from '#domain/content';
import { contentPublished, contexts, decodeEvent, eventParked, isDirect, keyIssued, topicPartitions, type StoredRecord } from '#events';
import { partitionOf, type TableSpec } from '#kernel';
import type { EventLog, LedgerCheckpoint } from '#ports';
import { ConsumerHost, EventParking, LogEventIntake } from '#runtime';
import { toKafkaMessage, type KafkaMessage } from '#sdk/kafka';
import { matches } from '../../apps/gateway/events/event-filter.core.ts';
import { LogEntry } from '../../apps/gateway/events/log-entry.ts';
import { LedgerHoldings } from '../../apps/gateway/ledger/ledger-holdings.ts';
import { LedgerReader } from '../../apps/gateway/ledger/ledger-reader.ts';
import { LedgerAppender } from '../../apps/projector/ledger/ledger-appender.ts';
import { LedgerRanges } from '../../apps/projector/retention/ledger-ranges.ts';
import { recordsOfLog } from '../../apps/streams/audit/log-records.ts';
import { bundleOf } from '../ledger/bundle-of.ts';
import { keepLedger } from '../ledger/ledger-run.ts';
import { CompressionTypes, Kafka as KafkaJs, logLevel, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { codeBlocks } from './sdk-consumer.ts';
import { kcatProduce } from './kcat.ts';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';

const checkout = resolve(import.meta.dirname, '../../..');
const clock = new SystemClock();
const logger = pino({ level: 'silent' });
let kafka: Kafka;
let log: KafkaEventLog;
let intake: LogEventIntake;
let host: ConsumerHost;
let producer: Producer;
const store = new MemoryProjectionStore(clock);
const reads = new MemoryReadStore(store);

beforeAll(async () => {
  kafka = await sharedKafka();
  const brokers = kafka.address.split(',');
  const topicPrefix = kafka.env['KAFKA_TOPIC_PREFIX'] as string;
  log = new KafkaEventLog({ brokers, clientId: 'direct', topicPrefix, directTenants: ['default', 'acme'] });
  for (const context of contexts) await log.ensureTopic(context, topicPartitions);
  const leases = new MemoryLeaseStore(clock);
  intake = new LogEventIntake({ owner: 'direct' }, { log, publications: new MemoryPublicationStore(clock), leases, clock, logger });
  const parking = new EventParking({ intake, clock, logger, source: '/projector/test' });
  host = new ConsumerHost({ projections: [contentsProjection, keysProjection], owner: 'direct' }, { log, store, leases, logger, parking });
  await host.start();
  producer = new KafkaJs({ clientId: 'outsider', brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await producer?.disconnect();
  await host?.stop();
  await intake?.stop();
  await log?.close();
  await kafka?.stop();
});

function published(contentId: string, tenant = 'default'): KafkaMessage {
  return toKafkaMessage(contentPublished.type, { contentId, url: 'https://origin.example/x', contentType: 'video/mp4' }, { tenant }).message;
}

/** What a program can write that knows our headers and means ill: a key with all rights. */
function forgedKey(): KafkaMessage {
  const data = keyIssued.samples.at(-1) as { keyId: string };
  const { headers } = published('x');
  const own = { ce_type: keyIssued.type, ce_dataschema: `urn:streams:event:${keyIssued.type}:${keyIssued.version}`, ce_actor: 'system:gateway' };
  return {
    key: data.keyId,
    value: JSON.stringify(data),
    headers: { ...headers, ...own, ce_subject: data.keyId, ce_partitionkey: data.keyId, ce_streamversion: '1', 'streams-direct': '' },
    partition: partitionOf(data.keyId, topicPartitions),
  };
}

const send = (context: string, messages: readonly KafkaMessage[]) =>
  producer.send({ topic: `${kafka.env['KAFKA_TOPIC_PREFIX']}${context}`, messages: [...messages], acks: -1 });

/** Everything on a topic; one read may bring less than there is. */
async function allOf(from: EventLog, topic: string): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let partition = 0; partition < topicPartitions; partition++) {
    for (let at = 0n; ;) {
      const batch = await from.read(topic, partition, at, { recordsMax: 1_000, bytesMax: 1e9, waitMs: 0 });
      if (batch.next === at) break;
      records.push(...batch.records);
      at = batch.next;
    }
  }
  return records;
}

async function parked() {
  return (await allOf(log, 'operation')).map(decodeEvent).flatMap((event) => (event.type === eventParked.type ? [event.data] : []));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const idsIn = async (table: TableSpec, column: string): Promise<string[]> =>
  (await reads.select(table, { where: [], limit: 100 })).map((row) => String(row[column])).sort();

test('what comes straight onto Kafka is projected when the door would have taken it, else parked by its reason', async () => {
  const moved = published('moved');
  await send('content', [
    published('good'),
    published('acmes', 'acme'),
    published('others', 'other'),
    { ...published('rekeyed'), key: 'another' },
    { ...moved, partition: (moved.partition + 1) % topicPartitions },
    { ...published('signed'), headers: { ...published('signed').headers, ce_actor: 'key:k-admin' } },
    published('last'),
  ]);
  await send('access', [forgedKey()]);
  // By the door, in between: it is of the same topic, and nobody judges it twice.
  const [taken] = await intake.publish(
    [{ attributes: { specversion: '1.0', id: 'by-the-door', type: contentPublished.type, source: '/cms' }, data: { json: published('taken').value } }],
    { tenant: 'acme', actor: 'key:k-1', correlationId: 'r-1', traceparent: '', mayPublish: () => true },
    { together: true },
  );
  expect(taken).toMatchObject({ accepted: true });

  await until(async () => (await parked()).length >= 5 && (await idsIn(contentTable, 'content_id')).length >= 4);
  const told = (await parked()).map(({ topic, eventType, code, field }) => `${topic} ${eventType} ${code} ${field}`).sort();
  expect(told).toEqual([
    'access key.issued EVENT_NOT_OPEN type',
    'content content.published EVENT_ATTRIBUTE_INVALID partitionkey',
    'content content.published EVENT_ATTRIBUTE_INVALID partitionkey',
    'content content.published EVENT_ATTRIBUTE_RESERVED actor',
    'content content.published EVENT_TENANT_FORBIDDEN tenant',
  ]);
  expect(await idsIn(contentTable, 'content_id')).toEqual(['acmes', 'good', 'last', 'taken']);
  expect(await idsIn(apiKeyTable, 'key_id')).toEqual([]);
}, 120_000);

/** The same log as somebody reads it whose one tenant is `default`. */
async function ofOneTenant<Result>(work: (other: KafkaEventLog) => Promise<Result>): Promise<Result> {
  const { env, address } = kafka;
  const other = new KafkaEventLog({ brokers: address.split(','), clientId: 'one', topicPrefix: env['KAFKA_TOPIC_PREFIX'] as string });
  try {
    return await work(other);
  } finally {
    await other.close();
  }
}

const contents = async (wanted: readonly string[]): Promise<boolean> => {
  const ids = await idsIn(contentTable, 'content_id');
  return wanted.every((id) => ids.includes(id));
};

test("the README's line and a hand-written producer need four headers, the key and the data", async () => {
  const [line] = codeBlocks(readFileSync(`${checkout}/README.md`, 'utf8'), 'bash');
  const env = { ...process.env, KAFKA_BROKERS: kafka.address };
  const typed = (line?.source ?? '').replace('-t content', `-t ${kafka.env['KAFKA_TOPIC_PREFIX']}content`);
  expect(spawnSync('sh', ['-c', typed], { env, encoding: 'utf8' })).toMatchObject({ status: 0 });
  const natural = { ce_specversion: '1.0', ce_id: 'hand-1', ce_source: '/hand', ce_type: contentPublished.type, ce_tenant: 'acme' };
  const value = JSON.stringify({ contentId: 'by-hand', url: 'https://origin.example/x', contentType: 'video/mp4' });
  const topic = `${kafka.env['KAFKA_TOPIC_PREFIX']}content`;
  await kcatProduce(kafka.address, topic, { key: 'by-hand', value, headers: natural });
  const plain = { key: 'by-kafkajs', value: value.replace('by-hand', 'by-kafkajs'), headers: { ...natural, ce_id: 'hand-0' } };
  await producer.send({ topic, messages: [plain], acks: -1 });
  await kcatProduce(kafka.address, topic, { key: 'nobodys', value, headers: { ...natural, ce_id: 'hand-2' } });
  const structured = JSON.stringify({ specversion: '1.0', id: 'hand-3', source: '/hand', type: contentPublished.type, data: JSON.parse(value) as unknown });
  await kcatProduce(kafka.address, topic, { key: 'by-hand', value: structured, headers: { 'content-type': 'application/cloudevents+json' } });
  const forged = { ...published('forged').headers, ce_id: 'forged', ce_actor: 'key:root', 'streams-producer': 'x' };
  await kcatProduce(kafka.address, topic, { key: 'by-hand', value: '{"contentId":7}', headers: forged });

  await until(async () => (await parked()).length >= 9 && (await contents(['by-hand', 'by-kafkajs'])));
  const reasons = (await parked()).map(({ eventId, message }) => `${eventId}: ${message}`).join('\n');
  // Two tenants may write here, and the README's line names none.
  expect(reasons).toMatch(/^cms-0001: .*the header ce_tenant must say which/m);
  expect(reasons).toMatch(/^hand-2: .*"by-hand".*the key of the record is "nobodys"/m);
  expect(reasons).toMatch(/^: .*binary mode/m);
  expect(reasons).toMatch(/^forged: .*contentId/m);
  const records = await ofOneTenant((other) => allOf(other, 'content'));
  expect(decodeEvent(records.find(({ headers }) => headers['ce_id'] === 'cms-0001') as StoredRecord)).toMatchObject({ tenant: 'default', actor: 'direct' });
  const live = records.filter((record) => matches({}, new LogEntry('content', record))).map(({ headers }) => headers['ce_id']);
  expect(live).toContain('cms-0001');
  expect(live).not.toContain('forged');
}, 120_000);

/** What the keepers of audit ledgers complain of. */
const complaints: string[] = [];

/** Takes what is new of a log into an audit ledger; answers how many records that were. */
async function ledgered(from: EventLog, store: MemoryLedgerStore, epoch = 1n): Promise<number> {
  const heard = pino({ level: 'warn' }, { write: (line: string) => void complaints.push(line) });
  const appender = new LedgerAppender({ topics: ['content', 'access'], epoch }, { log: from, store, logger: heard, now: Date.now });
  let all = 0;
  for (let taken = -1; taken !== 0; all += taken) taken = await appender.catchUp(new AbortController().signal);
  return all;
}

/** Every leaf of the trees that a log gives. */
async function leavesOf(from: EventLog): Promise<readonly string[]> {
  const store = new MemoryLedgerStore(clock);
  await ledgered(from, store);
  const trees = await store.progress();
  const tiles = await Promise.all(trees.map((tree) => store.tiles(tree, tree.size > 0 ? [{ level: 0, index: 0 }] : [])));
  return tiles.flatMap((each, at) => each.map(({ hashes }) => `${trees[at]?.topic}/${trees[at]?.partition} ${Buffer.from(hashes).toString('hex')}`));
}

test('the audit ledger knows what was written, not what the settings say of it', async () => {
  const store = new MemoryLedgerStore(clock);
  const taken = await ledgered(log, store);
  expect(taken).toBeGreaterThan(10);
  const leaves = await leavesOf(log);
  const folder = await mkdtemp(join(tmpdir(), 'streams-direct-'));
  const file = new SqliteEventLog({ path: join(folder, 'log.db') }, { clock });
  try {
    await ofOneTenant(async (other) => {
      // The keeper that comes next looks at the last record again, and finds that it is the one.
      expect(await ledgered(other, store, 2n)).toBe(0);
      expect(await leavesOf(other)).toEqual(leaves);
      for (const topic of ['content', 'access']) {
        const records = await allOf(other, topic);
        await file.restore(topic, topicPartitions, (write) => write(records));
      }
    });
    // A copy holds the same records at other offsets: its trees are the same.
    expect(await leavesOf(file)).toEqual(leaves);
    expect(complaints).toEqual([]);
  } finally {
    await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);

test('a batch that would inflate without bound is parked with its reason, and what stands behind it is projected', async () => {
  const behind = published('behind-the-bomb');
  const bomb = { ...published('bomb'), partition: behind.partition, value: Buffer.alloc(64 * 1_048_576) };
  const [sent] = await producer.send({ topic: `${kafka.env['KAFKA_TOPIC_PREFIX']}content`, messages: [bomb], acks: -1, compression: CompressionTypes.GZIP });
  await send('content', [behind]);
  await until(() => contents(['behind-the-bomb']));
  const told = (await parked()).filter(({ message }) => message.includes('when it is decompressed'));
  const place = { topic: 'content', partition: behind.partition, offset: sent?.baseOffset };
  expect(told).toEqual([expect.objectContaining({ ...place, code: 'EVENT_DATA_INVALID', consumer: '*', eventType: '' })]);
  expect(told[0]?.message).toMatch(/^.*The batch is of more than 67108864 bytes when it is decompressed\. Offsets \d+ to \d+, \d{5} bytes\./);
  expect(await idsIn(contentTable, 'content_id')).not.toContain('bomb');
}, 120_000);

test('what was written by hand is proven, sealed, verified, read through and exported as it was signed', async () => {
  const [ledger, secrets, blobs] = [new MemoryLedgerStore(clock), new MemorySecretStore(), new MemoryBlobStore()];
  const before = await allOf(log, 'content');
  expect(before.some(isDirect)).toBe(true);
  await keepLedger({ log, store: ledger, secrets }, ['content']);
  const sealed = new SealedEventLog({}, { hot: log, blobs: () => Promise.resolve(blobs) });
  const reader = new LedgerReader({ store: ledger, log: sealed, index: new MemoryEventIndex(clock), now: () => clock.now() });
  await expectProven(reader, before, (await ledger.keyList()) ?? '');
  const sealer = sealed.sealer(1n, nodeLedgerHash);
  for (const { topic, partition, size, position } of await ledger.progress()) {
    if (size === 0) continue;
    const ranges = new LedgerRanges({ topic, partition }, ledger);
    const checkpoint = (await ranges.checkpoint()) as LedgerCheckpoint;
    const bounds = { until: position, recordsMax: 1000, charactersMax: 1e9, nowMs: clock.now() };
    const proving = { leafOf: (record: StoredRecord) => ranges.leafOf(record), prove: (range: RangeTree) => ranges.prove(range, checkpoint) };
    expect(await sealer.seal({ topic, partition, ...bounds, ...proving })).toMatchObject({ records: size });
    expect(await sealer.trim(topic, partition, position)).toBe(true);
  }
  expect(await allOf(sealed, 'content')).toEqual(before);
  await expectProven(reader, before, (await ledger.keyList()) ?? '');

  const bundle = await bundleOf(ledger);
  const init = { keys: [], witnessKeys: [], cosignersMin: 0 };
  expect(await audit(await recordsOfLog(bundle, sealed), init)).toMatchObject({ ok: true, compared: before.length });
  // As the gateway hands them to whoever exports them.
  const holdings = new LedgerHoldings(undefined, { ledger: reader, store: ledger, secrets, clock });
  const folder = await mkdtemp(join(tmpdir(), 'streams-direct-'));
  try {
    const writer = await BundleWriter.create(folder);
    await writer.write('keys', bundle.keyList);
    const { exportId, trees } = await holdings.begin();
    await writer.write('trees', trees);
    for (const tree of bundle.trees) {
      const records = (await reader.records(tree, 0)) ?? [];
      await writer.writeTree(tree);
      await writer.writeHolding(tree, await holdings.sign(tree, { size: records.length, withRecords: true, exportId }));
      const inputs = records.map(({ record }) => ({ offset: record.offset, leafInput: leafInput(record, nodeLedgerHash) }));
      await writer.writeRecords(tree, { level: 0, index: 0, width: records.length }, encodeBundle(inputs));
    }
    expect(await audit(await openBundle(folder), init)).toMatchObject({ ok: true, compared: before.length });
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);

/** Each record has a proof by its place, and by its id the same one, unless others have that id as well. */
async function expectProven(reader: LedgerReader, records: readonly StoredRecord[], keyList: string): Promise<void> {
  const ids = Map.groupBy(records, ({ headers }) => headers['ce_id'] ?? '');
  for (const { partition, offset, headers } of records) {
    const answer = await reader.proveAt({ topic: 'content', partition }, offset);
    if (answer.kind !== 'proof') throw new Error(`offset ${offset} of partition ${partition}: ${answer.kind}`);
    expect(proofFlaw(answer.proof, { keyList, keys: [] })).toBeUndefined();
    expect(answer.proof).toMatchObject({ partition, offset, eventId: headers['ce_id'] ?? '' });
    const id = headers['ce_id'] ?? '';
    if (id !== '' && ids.get(id)?.length === 1) expect(await reader.proveEvent(id)).toEqual(answer);
  }
}
