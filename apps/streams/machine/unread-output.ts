import { errnoOf } from '../streams.errors.ts';

/** 128 and the number of SIGPIPE: with what other tools end when their reader goes. */
const unread = 141;

function end(error: Error): void {
  if (errnoOf(error) !== 'EPIPE') throw error;
  process.exit(unread);
}

/** Ends this process quietly once nobody reads what it prints, as behind `| head`. */
export function endWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', end);
}

/** For a process that has others to stop first: it listens by itself from now on. */
export function goOnWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr]) stream.off('error', end);
}
