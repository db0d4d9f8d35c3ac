import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { pause } from '../pause.ts';
import { ProcessorWait } from './processor-wait.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function run(script: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  children.push(child);
  return child;
}

test('tells processes that stand in line for a processor from one that is stopped, and from one that is gone', async () => {
  const busy = Array.from({ length: 4 * availableParallelism() }, () => run('for (;;);'));
  const stopped = run('for (;;);');
  await pause(1000);
  stopped.kill('SIGSTOP');
  const waits = busy.map(({ pid }) => new ProcessorWait(pid));
  const [idle, gone] = [new ProcessorWait(stopped.pid), new ProcessorWait(undefined)];
  await Promise.all([...waits, idle].map((wait) => wait.share()));
  await pause(2000);
  const shares = await Promise.all(waits.map((wait) => wait.share()));
  // A quarter of a processor each, at most: the rest of the time they stand in line.
  expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.5);
  expect([await idle.share(), await gone.share()]).toEqual([0, 0]);
});
