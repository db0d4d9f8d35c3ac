import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Lifecycle } from './lifecycle.ts';

function lifecycle(deadlineMs = 1000): { life: Lifecycle; steps: string[]; lines: string[] } {
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  return { life: new Lifecycle({ logger, deadlineMs }), steps: [], lines };
}

test('stops phase by phase, the last started first, and only once', async () => {
  const { life, steps } = lifecycle();
  const step = (name: string) => async (): Promise<void> => {
    await Promise.resolve();
    steps.push(name);
  };
  life.onStop('engines', 'pool', step('pool'));
  life.onStop('work', 'host', step('host'));
  life.onStop('work', 'relay', step('relay'));
  life.onStop('accept', 'http', step('http'));
  expect(await Promise.all([life.stop(), life.stop()])).toEqual([true, true]);
  expect(steps).toEqual(['http', 'relay', 'host', 'pool']);
  expect(life.stopping.aborted).toBe(true);
});

test('a part that fails is logged and holds nobody up', async () => {
  const { life, steps, lines } = lifecycle();
  life.onStop('accept', 'broken', () => {
    throw new Error('no');
  });
  life.onStop('engines', 'pool', () => steps.push('pool'));
  expect(await life.stop()).toBe(true);
  expect(steps).toEqual(['pool']);
  expect(lines.join()).toContain('broken did not stop cleanly');
});

test('a part that hangs does not keep the process from ending', async () => {
  const { life, lines } = lifecycle(10);
  life.onStop('work', 'hung', () => new Promise(() => {}));
  expect(await life.stop()).toBe(false);
  expect(lines.join()).toContain('took too long');
});
