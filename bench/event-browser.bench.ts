import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { KafkaEventLog } from '#adapters/kafka-log';
import { Database, PostgresEventIndex } from '#adapters/postgres';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { runMigrations } from '#migrations';
import { CommandExecutor } from '#runtime';
import type { EventLog, IndexPlace } from '#ports';
import { KeyIssuer } from '../apps/gateway/access/key-issuer.ts';
import { memoryEngines, startGateway } from '../apps/gateway/testing/gateway.fixture.ts';
import { startKafka } from '../test/constellation/kafka/index.ts';
import { PlainTable } from './event-browser/plain-table.ts';
import { appendRecords, fillIndex, treeOf } from './event-browser/history.ts';
import { questionsOn, rareTypes, type Question } from './event-browser/questions.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const goals = { pageMs: 300, treeMs: 200 } as const;
const treeSize = 10_000;

interface Gateway {
  readonly url: string;
  readonly authorization: string;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function call({ url, authorization }: Gateway, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { authorization } });
  const answer: unknown = await response.json();
  if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

function page(gateway: Gateway, question: Readonly<Record<string, string>>): Promise<unknown> {
  return call(gateway, `/api/v1/events/search?${new URLSearchParams({ ...question, limit: '50' })}`);
}

/** Each question over REST, with the payloads read from the log. @returns all samples, ms */
async function askAll(context: BenchContext, name: string, gateway: Gateway, questions: readonly Question[]): Promise<readonly number[]> {
  const each = context.quick ? 10 : 30;
  const all: number[] = [];
  for (const { what, ask } of questions) {
    const samples: number[] = [];
    for (let n = 1; n <= each; n++) samples.push(await timed(() => page(gateway, ask(n))));
    context.row(`${name}: ${what}`, quantile(samples, 0.5), quantile(samples, 0.95), Math.max(...samples));
    all.push(...samples);
  }
  return all;
}

/** Seconds until the whole index was searched for something rare, and the slowest of the pages. */
async function wholeSearch(index: PostgresEventIndex, type: string): Promise<{ readonly pages: number; readonly found: number; readonly worstMs: number }> {
  let [pages, found, worstMs] = [0, 0, 0];
  let before: IndexPlace | undefined;
  do {
    const started = performance.now();
    const { events, searchedTo } = await index.search({ filter: { types: [type] }, before, limit: 50, budgetMs: 150 });
    worstMs = Math.max(worstMs, performance.now() - started);
    before = searchedTo;
    found += events.length;
    pages++;
  } while (before !== undefined && found < 50);
  return { pages, found, worstMs };
}

interface Engine {
  readonly name: string;
  readonly log: EventLog;
  readonly index: PostgresEventIndex;
  readonly count: number;
  /** The first event of the tree. */
  readonly root: string;
  /** p95 of a page, and p50 of the tree, of a plain table of the same events, ms. */
  readonly peer: { readonly pageMs: number; readonly treeMs: number };
}

/** The same questions to a plain table. */
async function askPlain(context: BenchContext, database: Database, count: number, root: string): Promise<Engine['peer']> {
  const table = await PlainTable.of(database);
  const all: number[] = [];
  for (const { what, ask } of questionsOn(count)) {
    const samples: number[] = [];
    for (let n = 1; n <= (context.quick ? 10 : 30); n++) {
      const work = table.page(ask(n));
      if (work !== undefined) samples.push(await timed(work));
    }
    if (samples.length > 0) context.row(`plain table: ${what}`, quantile(samples, 0.5), quantile(samples, 0.95), Math.max(...samples));
    all.push(...samples);
  }
  const trees: number[] = [];
  for (let n = 0; n < 10; n++) trees.push(await timed(() => table.tree(root)));
  context.row('plain table: tree', quantile(trees, 0.5), quantile(trees, 0.95), Math.max(...trees));
  const [bytes, indexes] = await table.bytes();
  context.row('plain table, bytes per event: table, indexes', bytes / count, indexes / count, '');
  await database.run({ text: 'DROP SCHEMA plain CASCADE' });
  return { pageMs: quantile(all, 0.95), treeMs: quantile(trees, 0.5) };
}

async function measure(context: BenchContext, { name, log, index, count, root, peer }: Engine): Promise<void> {
  const engines = { ...memoryEngines(), log, index };
  await using gateway = await startGateway(engines, tmpdir());
  const issuer = new KeyIssuer(new CommandExecutor({ ...engines, source: '/bench' }), engines.clock);
  const grant = { name: 'bench', scopes: ['admin'], tenant: 'default', contexts: null, expiresAtMs: 0, ratePerMinute: 1_000_000 } as const;
  const { key } = await issuer.issue(grant, { actor: 'system:bench', correlationId: 'bench' });
  const asked = { url: gateway.url, authorization: `Bearer ${key}` };
  await page(asked, {});
  const samples = await askAll(context, name, asked, questionsOn(count));
  const p95 = quantile(samples, 0.95);
  context.bar(`event-browser.${name}.page.p95`, p95, 'ms', `<= ${goals.pageMs}`, p95 <= goals.pageMs, peer.pageMs);
  for (const type of rareTypes) {
    const { pages, found, worstMs } = await wholeSearch(index, type);
    context.row(`${name}: ${type}, ${found} found in ${pages} steps, slowest`, worstMs, '', '');
  }
  const trees: number[] = [];
  for (let n = 0; n < 10; n++) trees.push(await timed(() => call(asked, `/api/v1/events/${root}/causation`)));
  context.row(`${name}: causation tree of ${treeSize} events`, quantile(trees, 0.5), quantile(trees, 0.95), Math.max(...trees));
  const tree = quantile(trees, 0.5);
  context.bar(`causation.${name}.tree`, tree, 'ms', `<= ${goals.treeMs}`, tree <= goals.treeMs, peer.treeMs);
}

async function run(context: BenchContext): Promise<void> {
  const [count, records] = context.quick ? [1_000_000, 50_000] : [10_000_000, 200_000];
  const postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  const database = new Database({ url: postgres.url });
  const index = new PostgresEventIndex(database);
  const folder = await mkdtemp(join(tmpdir(), 'event-browser-'));
  context.row(`${count.toLocaleString('en-GB')} events in the index`, 'p50 ms', 'p95 ms', 'worst ms');
  try {
    const embedded = new SqliteEventLog({ path: join(folder, 'events.sqlite') }, { clock: new SystemClock() });
    const places = await appendRecords(embedded, records);
    const { root, events } = treeOf(treeSize, count, places);
    const seconds = await fillIndex(index, count, places, events);
    context.row('index rows written per second', count / seconds, '', '');
    const peer = await askPlain(context, database, count, root);
    await measure(context, { name: 'embedded', log: embedded, index, count, root, peer });
    await embedded.close();
    const kafka = await startKafka();
    const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'bench', topicPrefix: `${kafka.env['KAFKA_TOPIC_PREFIX']}log-` });
    // Keys and partitions are the same on both engines, so the places of the same records are.
    if (!isDeepStrictEqual(await appendRecords(log, records), places)) throw new Error('Kafka put the records elsewhere.');
    await measure(context, { name: 'kafka', log, index, count, root, peer });
    await log.close();
    await kafka.stop();
    const { rows } = await database.run({ text: "SELECT pg_table_size('streams.event_index'), pg_indexes_size('streams.event_index')" });
    context.row('bytes per event: table, indexes', Number(rows[0]?.[0]) / count, Number(rows[0]?.[1]) / count, '');
  } finally {
    await database.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  name: 'event-browser',
  summary: 'pages of the event browser by filter and expression, and a causation tree, on both engines, beside a plain table with usual indexes',
  run,
};
