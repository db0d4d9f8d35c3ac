import { Database, PostgresLeaseStore, PostgresOutbox, PostgresAggregateStore, PostgresProjectionStore, PostgresReadStore } from '#adapters/postgres';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { contexts, topicPartitions, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { ConsumerHost, createLogger } from '#runtime';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMigrations } from '../../migrations/index.ts';

/** The engines of one machine, in folders of their own: the SQLite log and a fresh embedded PostgreSQL. */
export interface World {
  /** `STREAMS_DATA_DIR` of processes that join in. */
  readonly folder: string;
  readonly databaseUrl: string;
  readonly log: SqliteEventLog;
  readonly leases: PostgresLeaseStore;
  readonly outbox: PostgresOutbox;
  readonly aggregates: PostgresAggregateStore;
  readonly store: PostgresProjectionStore;
  readonly reads: PostgresReadStore;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-'));
  const postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  const log = new SqliteEventLog({ path: join(folder, 'log', 'events.sqlite') }, { clock: new SystemClock() });
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  const database = new Database({ url: postgres.url });
  return {
    folder,
    databaseUrl: postgres.url,
    log,
    leases: new PostgresLeaseStore(database),
    outbox: new PostgresOutbox(database),
    aggregates: new PostgresAggregateStore(database),
    store: new PostgresProjectionStore(database),
    reads: new PostgresReadStore(database),
    async close() {
      await log.close();
      await database.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function hostOf(world: World, projections: readonly Projection<DomainEvent>[], owner = 'bench'): Promise<ConsumerHost> {
  const logger = await createLogger({ name: 'bench', node: 'bench', logFormat: 'json', logLevel: 'warn' });
  return new ConsumerHost({ projections, owner }, { log: world.log, leases: world.leases, store: world.store, logger });
}
