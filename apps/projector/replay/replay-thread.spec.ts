import { expect, test } from '@jest/globals';
import { SystemClock } from '#adapters/system';
import { WorkBoard } from '#runtime';
import { pino } from 'pino';
import { ReplayThread } from './replay-thread.ts';

const scripts = {
  /** Says once how it does, and then nothing more, for ever. */
  blocked: `parentPort.postMessage([{ worker: 'retention', held: 1, succeededAtMs: 7000, failures: 2 }]); for (;;);`,
  ends: `parentPort.postMessage([{ worker: 'retention', held: 1, succeededAtMs: 8000, failures: 1 }]);`,
} as const;

function threadOf(script: keyof typeof scripts): { readonly thread: ReplayThread; readonly board: WorkBoard; readonly said: string[] } {
  const said: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
  const board = new WorkBoard(new SystemClock());
  const main = new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${scripts[script]}`)}`);
  return { thread: new ReplayThread({ main, tellEveryMs: 10, silentMsMax: 100 }, { logger, board }), board, said };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('a thread that is blocked is ended and started anew, and holds nothing meanwhile', async () => {
  const { thread, board, said } = threadOf('blocked');
  thread.start();
  await until(() => board.states()[0]?.held === 1);
  await until(() => said.length === 2);
  expect(said).toEqual(['the thread of the replays says nothing any more; ending it', 'the thread of the replays ended; starting it anew']);
  expect(board.states()).toEqual([{ worker: 'retention', held: 0, succeededAtMs: 7000, failures: 2 }]);
  await thread.stop();
});

test('one that ended is started anew until it is told to stop', async () => {
  const { thread, board, said } = threadOf('ends');
  thread.start();
  await until(() => said.length >= 1 && board.states()[0]?.succeededAtMs === 8000);
  await thread.stop();
  expect(said.slice(0, 1)).toEqual(['the thread of the replays ended; starting it anew']);
});
