/** @needs java maven */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { kafkaStartTimeoutMs } from './index.ts';

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

test(
  'a broker does not outlive the process that started it, even one that was killed',
  async () => {
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'orphan.main.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [address] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const port = Number(address.split(':')[1]);
    expect(await answers(port)).toBe(true);
    owner.kill('SIGKILL');
    while (await answers(port)) await sleep(20);
  },
  kafkaStartTimeoutMs,
);
