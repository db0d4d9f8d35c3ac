import type { Writable } from 'node:stream';
import { runCli } from './cli/program.ts';
import { endWhenUnread } from './machine/unread-output.ts';

/** When all that was written to it has gone out: a pipe takes 64 KiB at a time, and the end of the process takes the rest. */
function written(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

// What this process and all that it starts write is nobody else's to read.
process.umask(0o077);
endWhenUnread();
const code = await runCli(process.argv.slice(2));
await Promise.all([written(process.stdout), written(process.stderr)]);
process.exit(code);
