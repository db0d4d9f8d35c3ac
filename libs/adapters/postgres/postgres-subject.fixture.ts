import { temporaryPostgres } from '#adapters/embedded-postgres';
import type { DomainEvent } from '#events';
import type { Projection, TableSpec } from '#kernel';
import { runMigrations } from '#migrations';
import { Database } from './database.ts';

/** A migrated server of its own and a pool on it. */
export interface PostgresSubject {
  readonly url: string;
  readonly database: Database;
  dispose(): Promise<void>;
}

export async function openPostgres(): Promise<PostgresSubject> {
  const server = await temporaryPostgres();
  await runMigrations(server.url);
  const database = new Database({ url: server.url });
  return {
    url: server.url,
    database,
    dispose: async () => {
      await database.close();
      await server.stop();
    },
  };
}

/** A projection that is nothing but its tables. */
export function projectionOf(name: string, version: number, ...tables: TableSpec[]): Projection<DomainEvent> {
  return { name, version, contexts: ['stream'], handles: [], ignores: [], tables, project: () => [] };
}
