import pg from 'pg';
import { OperatingError } from '#kernel';
import { migrations } from './migrations.ts';

/** Any number that nothing else uses as an advisory lock: "migrate" in base 36, cut to 31 bits. */
const lockId = 1_367_216_138;
const lockWaitMs = 120_000;

/**
 * Brings the database up to date. Several processes may do so at once: one works, the others wait for it and find
 * nothing left to do. Each migration is one transaction.
 */
export async function runMigrations(databaseUrl: string): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'streams-migrations',
    options: `-c lock_timeout=${lockWaitMs}`,
  });
  client.on('error', () => undefined); // a lost connection fails the statement that it was needed for
  try {
    await client.connect();
    if (await isUpToDate(client)) return;
    await client.query('SELECT pg_advisory_lock($1)', [lockId]);
    await client.query('CREATE SCHEMA IF NOT EXISTS streams');
    if (!(await isUpToDate(client))) await migrate(databaseUrl);
  } catch (error) {
    throw migrationError(error);
  } finally {
    await client.end().catch(() => undefined); // gives the lock back, too
  }
}

/** SQLSTATE classes of a server that is starting, stopping, full of connections or busy migrating for somebody else. */
function migrationError(error: unknown): OperatingError {
  const { code = '', message } = error as { code?: string; message: string };
  if (/^(XX|58)/.test(code))
    return new OperatingError(
      `The database is damaged: ${message}. Stop, and restore a backup or move the database's folder (postgres in the data folder) away: what it held is rebuilt from the log.`,
      { code: 'DATABASE_DAMAGED', retryable: false, cause: error },
    );
  // Wrong name, password or database: another attempt changes nothing.
  if (/^(28|3D)/.test(code))
    return new OperatingError(`The database refuses us: ${message}. Check DATABASE_URL.`, { code: 'DATABASE_REFUSED', retryable: false, cause: error });
  const passing = /^(08|57P|53300|55P03|E[A-Z]+$)/.test(code) || /Connection terminated|timeout/.test(message);
  const why = passing ? 'The database cannot be reached to bring it up to date' : 'The database could not be brought up to date';
  return new OperatingError(`${why}: ${message}. Check DATABASE_URL.`, {
    code: passing ? 'DATABASE_UNAVAILABLE' : 'MIGRATION_FAILED',
    retryable: passing,
    cause: error,
  });
}

async function isUpToDate(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('streams.migrations') IS NOT NULL AS there");
  if (rows[0]?.there !== true) return false;
  const done = await client.query<{ name: string }>('SELECT name FROM streams.migrations');
  const names = new Set(done.rows.map(({ name }) => name));
  return migrations.every((migration) => names.has(migration.name));
}

async function migrate(databaseUrl: string): Promise<void> {
  // Loaded here: most starts find nothing to do and need not wait for it.
  const { makeDataSource } = await import('./data-source.ts');
  const source = await makeDataSource(databaseUrl).initialize();
  try {
    await source.runMigrations({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
}
