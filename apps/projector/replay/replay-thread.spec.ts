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

interface Told {
  readonly said: string;
  /** What the board had just then. */
  readonly states: ReturnType<WorkBoard['states']>;
}

function threadOf(script: keyof typeof scripts, silentMsMax: number): { readonly thread: ReplayThread; readonly board: WorkBoard; readonly told: Told[] } {
  const told: Told[] = [];
  const board = new WorkBoard(new SystemClock());
  const logger = pino({ base: null }, { write: (line: string) => void told.push({ said: (JSON.parse(line) as { msg: string }).msg, states: board.states() }) });
  const main = new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${scripts[script]}`)}`);
  return { thread: new ReplayThread({ main, tellEveryMs: 10, silentMsMax }, { logger, board }), board, told };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('a thread that is blocked is ended and started anew, and holds nothing meanwhile', async () => {
  const { thread, told } = threadOf('blocked', 100);
  thread.start();
  const anew = ({ said, states }: Told): boolean => said === 'the thread of the replays ended; starting it anew' && states.length > 0;
  // On a busy machine one may be ended before it said anything; the next will.
  await until(() => told.some(anew));
  await thread.stop();
  const at = told.findIndex(anew);
  expect(told[at - 1]?.said).toBe('the thread of the replays says nothing any more; ending it');
  expect(told[at]?.states).toEqual([{ worker: 'retention', held: 0, succeededAtMs: 7000, failures: 2 }]);
});

test('one that ended is started anew until it is told to stop', async () => {
  const { thread, board, told } = threadOf('ends', 60_000);
  thread.start();
  await until(() => told.length >= 2 && board.states()[0]?.succeededAtMs === 8000);
  await thread.stop();
  expect(new Set(told.map(({ said }) => said))).toEqual(new Set(['the thread of the replays ended; starting it anew']));
});
