import { readFileSync, writeSync } from 'node:fs';
import { hasCode } from '#kernel';
import { logForeign } from './bound-log.ts';
import { nameTaken } from './claimed-name.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './logging.ts';

/** Exit code of a process that cannot run with these settings however often it is started. */
export const misconfigured = 2;

/** Codes of failures that another start does not change: wrong credentials, a database that does not exist, another log, a name that is taken. */
const refusals = [logForeign, nameTaken, 'LOG_REFUSED', 'DATABASE_REFUSED', 'REDIS_REFUSED', 'BLOB_STORE_REFUSED'];

/** With what a process ends that could not start. */
export function exitCodeOf(error: unknown): number {
  return refusals.some((code) => hasCode(error, code)) ? misconfigured : 1;
}

/** What nobody caught is a broken invariant: say it and end; the supervisor starts again, replay recovers. */
export function endOnError(logger: Logger): void {
  const end = (err: unknown, origin: string): void => {
    logger.fatal({ err, origin }, `ending: ${err instanceof Error ? err.message : String(err)}`);
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', (reason) => end(reason, 'unhandledRejection'));
}

/** How often a supervised process says that it is alive: a supervisor ends one that has said nothing for a while. */
const beatMs = 1000;

/** A line that only the supervisor reads. Written past the logger, whose level may leave it out. */
function sayAlive(): void {
  try {
    writeSync(1, '{"alive":true}\n');
  } catch {
    // Nobody reads, or not fast enough: the next beat is soon.
  }
}

/** Whether whoever started this process wants it to outlive its terminal, as `nohup` does. Where the system does not say, it is not known. */
function outlivesTerminal(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
    return (BigInt(`0x${ignored}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Drains on SIGTERM, SIGINT and the end of its terminal (SIGHUP) and, under a supervisor, when its pipe closes because it is gone; says that it is alive there. */
export function endOnSignal(logger: Logger, lifecycle: Lifecycle, supervised: boolean): void {
  const end = (reason: string): void => {
    if (lifecycle.stopping.aborted) return;
    logger.info({ reason }, `stopping: ${reason}`);
    void lifecycle.stop().then(() => {
      logger.info('stopped');
      process.exit(0);
    });
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  if (!outlivesTerminal()) process.on('SIGHUP', () => end('SIGHUP'));
  if (!supervised) return;
  for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => end('the supervisor is gone'));
  process.stdin.resume();
  sayAlive();
  setInterval(sayAlive, beatMs).unref();
}
