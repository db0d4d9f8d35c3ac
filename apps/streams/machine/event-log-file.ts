import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { OperatingError } from '#kernel';
import type { StreamsSettings } from '../streams.config.ts';
import { PlainFailure } from '../streams.errors.ts';

/**
 * Opens the log for a moment, before anything is started on it: four apps that cannot open it would each say so, again and
 * again, before the sentence that counts.
 * @throws PlainFailure when it is damaged, of a newer version, or gone while the database that was made from it is there.
 */
export async function checkEventLog(settings: Pick<StreamsSettings, 'logPath' | 'kafka' | 'databaseUrl' | 'postgresPath'>): Promise<void> {
  const { logPath: path, kafka, databaseUrl, postgresPath } = settings;
  if (kafka !== undefined) return;
  if (!existsSync(path)) {
    if (databaseUrl !== undefined || !existsSync(join(postgresPath, 'PG_VERSION'))) return;
    throw new PlainFailure(
      `There is a database in ${postgresPath}, but no event log in ${path}, which it was made from. Put the log back, or move ${postgresPath} away, too, to begin anew.`,
    );
  }
  try {
    await new SqliteEventLog({ path }, { clock: new SystemClock() }).close();
  } catch (error) {
    // What passes (a busy file, a full disk) is the apps' business, which try again.
    if (error instanceof OperatingError && !error.retryable) throw new PlainFailure(error.message);
  }
}
