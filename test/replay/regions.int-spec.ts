import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { contentPublished, contexts, directHeader, encodeEvent, topicPartitions, type LogRecord } from '#events';
import { partitionOf } from '#kernel';
import { createLogger, divergence, logDigests, RegionMirror, rowDigests, type ConsumerHostDeps } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { projections } from '#read-models';
import { history, type RecordedEvent } from './history.ts';
import { caughtUp, dumpRows, hostOf, openWorld, type World } from './world.ts';

/** Where personal data is in each log is that log's own. */
const alike = projections.filter(({ name }) => name !== 'subjects');
const tables = alike.flatMap((projection) => projection.tables);

/** Without the names of regions: each calls the others by its own. */
const nameless = (rows: string): readonly string[] =>
  rows
    .replaceAll(/"origin":"(north|south)?"/g, '"origin":""')
    .split('\n')
    .sort();

let north: World;
let south: World;
/** Ids of what the consumers of each region set aside. */
const parked = new Map<World, Set<string>>();

beforeAll(async () => {
  [north, south] = await Promise.all([openWorld(), openWorld()]);
});

afterAll(async () => {
  await Promise.all([north.close(), south.close()]);
});

/** Both regions speak of the same streams, edges and contents, and contradict each other; each event has an id of its own. */
function historyOf(region: number): readonly RecordedEvent[] {
  return history({ seed: region, streams: 8, segments: 12, edges: 3, keys: 3 }).map(({ topic, record }) => ({
    topic,
    record: { ...record, headers: { ...record.headers, ce_id: `0192${region}${record.headers['ce_id']?.slice(5)}` } },
  }));
}

async function write(world: World, events: readonly RecordedEvent[], fromShare: number, toShare: number): Promise<void> {
  for (const { topic, record } of events.slice(events.length * fromShare, events.length * toShare)) await world.log.append(topic, [record]);
}

function parkingOf(world: World): NonNullable<ConsumerHostDeps['parking']> {
  const ids = new Set<string>();
  parked.set(world, ids);
  return { park: async (_, { headers }) => void ids.add(headers['ce_id'] ?? '') };
}

async function mirror(origin: string, from: World, to: World): Promise<RegionMirror> {
  const logger = await createLogger({ name: 'mirror', node: 'test', logFormat: 'json', logLevel: 'silent' });
  const limits = { recordsMax: 20, bytesMax: 1_000_000, waitMs: 200 };
  const one = new RegionMirror({ origin, topics: contexts, limits }, { source: from.log, target: to.log, logger });
  to.closing.push(() => one.stop());
  await one.start();
  return one;
}

async function idsOf(world: World): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const topic of contexts) {
    for (const { partition, low } of await world.log.heads(topic)) {
      const { records } = await world.log.read(topic, partition, low, { recordsMax: 100_000, bytesMax: 64_000_000, waitMs: 0 });
      ids.push(...records.map(({ headers }) => headers['ce_id'] ?? ''));
    }
  }
  return ids.sort();
}

async function divergentLogs(): Promise<readonly string[]> {
  return divergence(await logDigests(north.log, contexts), await logDigests(south.log, contexts));
}

test('two regions that mirror each other come to the same events, each once, and to the same rows', async () => {
  const [northern, southern] = [historyOf(1), historyOf(2)];
  await write(north, northern, 0, 0.5);
  for (const world of [north, south]) await (await hostOf(world, projections, {}, { parking: parkingOf(world) })).start();
  const first = await mirror('north', north, south);
  await mirror('south', south, north);
  await Promise.all([write(south, southern, 0, 0.7), mirror('north', north, south)]);
  await first.stop();
  await Promise.all([write(north, northern, 0.5, 1), write(south, southern, 0.7, 1), mirror('north', north, south)]);
  while ((await divergentLogs()).length > 0) await sleep(50);

  const ids = [...northern, ...southern].map(({ record }) => record.headers['ce_id'] ?? '').sort();
  for (const world of [north, south]) {
    expect(await idsOf(world)).toEqual(ids);
    await caughtUp(world, projections);
  }
  expect(divergence(await rowDigests(north.reads, tables), await rowDigests(south.reads, tables))).toEqual([]);
  const rows = await dumpRows(north, alike);
  expect(rows).toContain('"edge_id":"edge-1","origin":"south"');
  expect(nameless(rows)).toEqual(nameless(await dumpRows(south, alike)));
  expect(rows.length).toBeGreaterThan(100_000);
});

/** As somebody else's producer leaves it on Kafka: without the platform's mark. */
function directly(contentId: string): LogRecord {
  const { type, version, subject, samples } = contentPublished;
  const data = { ...(samples.at(-1) as { readonly contentId: string }), contentId } as Parameters<typeof subject>[0];
  const { headers, ...record } = encodeEvent({
    id: `direct-${contentId}`,
    type,
    version,
    source: '/cms',
    subject: subject(data),
    time: Date.UTC(2026, 8, 1),
    key: contentId,
    tenant: 'default',
    correlationId: 'c',
    causationId: 'c',
    traceparent: '',
    actor: 'direct',
    streamVersion: 0n,
    producerEpoch: 0n,
    data,
  });
  return { ...record, headers: { ...headers, [directHeader]: 'tenant-open' } };
}

test('what its own region refuses of what came past the platform is in no other, and what follows it is', async () => {
  const astray = directly('astray');
  const home = partitionOf(astray.key, topicPartitions);
  const behind = Array.from({ length: 100 }, (_, at) => directly(`behind-${at}`));
  await north.log.restore('content', topicPartitions, async (write) => {
    const at = { offset: 0n, recordedAt: Date.UTC(2026, 8, 2) };
    await write([{ ...astray, ...at, partition: (home + 1) % topicPartitions }]);
    await write(behind.map((record) => ({ ...record, ...at, partition: partitionOf(record.key, topicPartitions) })));
  });
  let southern = new Set<string>();
  while (!behind.every(({ headers }) => southern.has(headers['ce_id'] ?? ''))) southern = new Set(await idsOf(south));
  for (const world of [north, south]) await caughtUp(world, projections);
  expect([(await idsOf(north)).includes('direct-astray'), southern.has('direct-astray')]).toEqual([true, false]);
  expect([parked.get(north), parked.get(south)]).toEqual([new Set(['direct-astray']), new Set()]);
  expect(await divergentLogs()).toEqual([]);
  const rows = await dumpRows(north, alike);
  expect(nameless(rows)).toEqual(nameless(await dumpRows(south, alike)));
  expect([rows.includes('behind-99'), rows.includes('astray')]).toEqual([true, false]);
});

test('a row that was altered in one region is found, and its range named', async () => {
  const table = `streams_v${projections.find(({ name }) => name === 'streams')?.version}.stream`;
  const client = new pg.Client({ connectionString: south.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ stream_id: string }>(
    `UPDATE ${table} SET name = 'another' WHERE stream_id = (SELECT min(stream_id) FROM ${table}) RETURNING stream_id`,
  );
  await client.end();
  const [a, b] = [await rowDigests(north.reads, tables, { ranges: 64 }), await rowDigests(south.reads, tables, { ranges: 64 })];
  expect(divergence(a, b)).toEqual([`stream ${partitionOf(JSON.stringify(['stream_id:', rows[0]?.stream_id]), 64)} of 64`]);
});

test('an event that reached one region alone is found, and its partition named', async () => {
  await Promise.all(south.closing.splice(0).map((end) => end()));
  const [last] = historyOf(3).filter(({ topic }) => topic === 'content') as [RecordedEvent];
  await north.log.append('content', [last.record]);
  expect(await divergentLogs()).toEqual([`content/${partitionOf(last.record.key, topicPartitions)}`]);
});
