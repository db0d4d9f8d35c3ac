import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/**
 * A small real program for the supervisor's tests: says that it is ready, notes in a file that it was asked to end, ends
 * with its standard input. `SMALL_MODE` makes it misbehave.
 */
const [name = '', diary = '', mode = ''] = process.argv.slice(2);
const note = (what: string): void => appendFileSync(diary, `${what} ${name} ${process.pid}\n`);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify({ level: 'info', name, ...line })}\n`);

note('began');
if (mode === 'refuse') {
  say({ level: 'fatal', msg: 'the data folder is damaged: restore it from a backup' });
  process.exit(1);
}
if (mode === 'misconfigured') {
  say({ level: 'fatal', msg: 'this database belongs to another log' });
  process.exit(2);
}
if (mode === 'parent') {
  // A grandchild that notices nothing of its parent's end.
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  appendFileSync(diary, `began grandchild ${child.pid}\n`);
}
if (mode !== 'deaf') {
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGTERM', () => {
    note('ended');
    process.exit(0);
  });
} else {
  process.on('SIGTERM', () => note('ignored'));
}
// Who is deaf outlives the reader of its lines.
process.stdout.on('error', () => undefined);
say({ alive: true });
setInterval(() => say({ alive: true }), 100);
if (mode !== 'starting')
  say({ msg: 'serving', ready: true, restarts: process.env['STREAMS_RESTARTS'] ?? '', url: 'postgresql://streams:secret@127.0.0.1:1/streams' });
if (mode === 'crash') setTimeout(() => process.exit(7), 20);
