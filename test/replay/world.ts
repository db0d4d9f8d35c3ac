import {
  Database,
  PostgresLeaseStore,
  PostgresLedgerStore,
  PostgresOutbox,
  PostgresAggregateStore,
  PostgresParkedEvents,
  PostgresPastStore,
  PostgresProjectionBuilds,
  PostgresProjectionStore,
  PostgresReadStore,
} from '#adapters/postgres';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { openEngines } from '#adapters/engines';
import { contexts, topicPartitions, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { EventLog, ProjectionStore } from '#ports';
import { ConsumerHost, createLogger, readSharedSettings, type ConsumerHostDeps, type ConsumerHostInit } from '#runtime';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { runMigrations } from '#migrations';
import type { RecordedEvent } from './history.ts';

/** Engines of its own: a log, embedded unless told otherwise, and a fresh embedded PostgreSQL. */
export interface World {
  /** `STREAMS_DATA_DIR` of processes that join in. */
  readonly folder: string;
  readonly databaseUrl: string;
  readonly log: EventLog;
  /** What processes that join in are told about the log. */
  readonly env: Readonly<Record<string, string>>;
  readonly leases: PostgresLeaseStore;
  readonly ledger: PostgresLedgerStore;
  readonly outbox: PostgresOutbox;
  readonly aggregates: PostgresAggregateStore;
  readonly store: PostgresProjectionStore;
  readonly builds: PostgresProjectionBuilds;
  readonly parked: PostgresParkedEvents;
  readonly past: PostgresPastStore;
  readonly reads: PostgresReadStore;
  /** What has to end before the engines do. */
  readonly closing: Array<() => Promise<unknown>>;
  close(): Promise<void>;
}

/** @param env the settings of a log in a cluster */
export async function openWorld(env: Readonly<Record<string, string>> = { KAFKA_BROKERS: '' }): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-world-'));
  const postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  const { log } = await openEngines(readSharedSettings({ ...env, STREAMS_DATA_DIR: folder }), 'log');
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  const database = new Database({ url: postgres.url });
  const closing: World['closing'] = [];
  return {
    closing,
    env,
    folder,
    databaseUrl: postgres.url,
    log,
    leases: new PostgresLeaseStore(database),
    ledger: new PostgresLedgerStore(database),
    outbox: new PostgresOutbox(database),
    aggregates: new PostgresAggregateStore(database),
    store: new PostgresProjectionStore(database),
    builds: new PostgresProjectionBuilds(database),
    parked: new PostgresParkedEvents(database),
    past: new PostgresPastStore(database),
    reads: new PostgresReadStore(database),
    async close() {
      await Promise.all(closing.map((end) => end()));
      await log.close();
      await database.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers the settings that choose a log, once it serves. */
export type LogStarter = () => Promise<Readonly<Record<string, string>>>;

/** A consumer host in this process. */
export async function hostOf(
  world: World,
  projections: readonly Projection<DomainEvent>[],
  init: Partial<ConsumerHostInit> = {},
  deps: Pick<ConsumerHostDeps, 'parking'> = {},
): Promise<ConsumerHost> {
  const logger = await createLogger({ name: 'host', node: 'test', logFormat: 'json', logLevel: 'silent' });
  const host = new ConsumerHost({ projections, owner: 'host', ...init }, { log: world.log, leases: world.leases, store: world.store, logger, ...deps });
  world.closing.push(() => host.stop());
  return host;
}

interface Caught {
  readonly log: EventLog;
  readonly store: ProjectionStore;
}

/** Until the checkpoints stand where the log ends. @throws Error when one stands beyond it, or nothing moves for long. */
export async function caughtUp(world: Caught, projections: readonly Projection<DomainEvent>[]): Promise<void> {
  const patienceMs = 30_000;
  for (let [last, movedAt] = [-1, Date.now()]; ; await sleep(20)) {
    const lag = await lagOf(world, projections);
    if (lag < 0) throw new Error('A checkpoint stands beyond the end of the log.');
    if (lag === 0) return;
    if (lag !== last) [last, movedAt] = [lag, Date.now()];
    else if (Date.now() - movedAt > patienceMs) throw new Error(`${lag} records are left and nothing moves.`);
  }
}

async function lagOf(world: Caught, projections: readonly Projection<DomainEvent>[]): Promise<number> {
  let lag = 0;
  for (const { name, version, contexts: topics } of projections) {
    const positions = new Map(
      (await world.store.checkpoints(name))
        .filter((one) => one.version === version)
        .map(({ topic, partition, position }) => [`${topic}/${partition}`, position]),
    );
    for (const topic of topics) {
      for (const { partition, high } of await world.log.heads(topic)) lag += Number(high - (positions.get(`${topic}/${partition}`) ?? 0n));
    }
  }
  return lag;
}

/** Every column of every row of the projections, stamps included, as text. */
export async function dumpRows(world: World, projections: readonly Projection<DomainEvent>[]): Promise<string> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  try {
    const parts: string[] = [];
    for (const { name, version, tables } of projections) {
      for (const table of tables) {
        const { rows } = await client.query<{ row: string }>(`SELECT row_to_json(t)::text AS row FROM ${name}_v${version}."${table.name}" t ORDER BY 1`);
        parts.push(`${table.name}: ${rows.length}`, ...rows.map(({ row }) => row));
      }
    }
    return parts.join('\n');
  } finally {
    await client.end();
  }
}

/** Appends a history in its order, in batches of a few hundred. */
export async function recordAll(world: Pick<World, 'log'>, events: readonly RecordedEvent[]): Promise<void> {
  for (const topic of contexts) {
    const records = events.filter((event) => event.topic === topic).map(({ record }) => record);
    for (let at = 0; at < records.length; at += 300) await world.log.append(topic, records.slice(at, at + 300));
  }
}
