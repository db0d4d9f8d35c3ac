import { goOnWhenUnread } from '../machine/unread-output.ts';
import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';
import type { LogView } from './log-view.ts';
import type { Supervisor } from './supervisor.ts';

/**
 * Starts the platform, greets (which waits for the apps that it needs by itself), and waits until somebody wants it to
 * end. Resolves to the exit code once everything has ended.
 */
export async function runUntilAsked(supervisor: Supervisor, view: LogView, greet: () => Promise<void>): Promise<number> {
  const asked = listenForTheEnd(supervisor, view);
  try {
    // Who interrupts the start does not have what it waits for: apps that never served.
    await Promise.race([Promise.all([supervisor.start(), greet()]), asked.ended]);
  } catch (error) {
    // Interrupted while starting: what failed then, failed because everything ends.
    if (asked.isAsked()) return asked.ended.then(() => 0);
    await supervisor.stop();
    process.stderr.write(`${error instanceof PlainFailure ? error.message : ((error as Error).stack ?? messageOf(error))}\n`);
    return error instanceof PlainFailure ? error.exitCode : exitCodes.failed;
  }
  await asked.ended;
  return 0;
}

/** One Ctrl-C may arrive several times: from the terminal, from npm, and from the bootstrap, which all pass it on. */
const sameSignalMs = 1000;

/**
 * Ctrl-C ends everything in order, a second one at once. The end of the bootstrap that started this process (a closed
 * channel) and of whoever reads the log count as Ctrl-C.
 */
function listenForTheEnd(supervisor: Supervisor, view: LogView): { readonly isAsked: () => boolean; readonly ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  let askedAt = 0;
  const end = (reason: string): void => {
    if (isAsked) return;
    isAsked = true;
    askedAt = performance.now();
    view.say('info', `stopping (${reason})`);
    void supervisor.stop().then(() => {
      view.say('info', 'everything has ended');
      resolve();
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!isAsked) end(signal);
      else if (performance.now() - askedAt > sameSignalMs) supervisor.killAll();
    });
  }
  process.once('disconnect', () => end('the starting process has ended'));
  goOnWhenUnread();
  process.stdout.on('error', () => end('nobody reads the log any more'));
  process.stderr.on('error', () => undefined);
  return { isAsked: () => isAsked, ended };
}
