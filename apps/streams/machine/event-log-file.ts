import { existsSync } from 'node:fs';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { OperatingError } from '#kernel';
import type { StreamsSettings } from '../streams.config.ts';
import { PlainFailure } from '../streams.errors.ts';

/**
 * Opens the log for a moment, before anything is started on it: four apps that cannot open it would each say so, again and
 * again, before the sentence that counts.
 * @throws PlainFailure when it is damaged, or of a newer version.
 */
export async function checkEventLog({ logPath: path, kafka }: Pick<StreamsSettings, 'logPath' | 'kafka'>): Promise<void> {
  if (kafka !== undefined || !existsSync(path)) return;
  try {
    await new SqliteEventLog({ path }, { clock: new SystemClock() }).close();
  } catch (error) {
    // What passes (a busy file, a full disk) is the apps' business, which try again.
    if (error instanceof OperatingError && !error.retryable) throw new PlainFailure(error.message);
  }
}
