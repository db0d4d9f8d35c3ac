import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, MemoryLeaseStore } from '#adapters/memory';
import { pino } from 'pino';
import { claimName } from './claimed-name.ts';
import { Lifecycle } from './lifecycle.ts';

const logger = pino({ level: 'silent' });
let folder: string;
let clock: ManualClock;
let leases: MemoryLeaseStore;
let running: Lifecycle[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-claim-'));
  clock = new ManualClock();
  leases = new MemoryLeaseStore(clock);
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function claim(machine: string, name = 'projector/node-1/projector-1', ttlMs = 30): Promise<Lifecycle> {
  const lifecycle = new Lifecycle({ logger, deadlineMs: 1000 });
  running.push(lifecycle);
  await claimName({ name, setting: 'STREAMS_NODE', runPath: join(folder, machine), ttlMs }, { leases, lifecycle, logger });
  return lifecycle;
}

describe('a name that only one machine may have', () => {
  test('is refused to another machine while the first one lives, and it is said what to set', async () => {
    await claim('one');
    await expect(claim('two')).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      message: 'Another machine runs as projector/node-1/projector-1 already. Give each machine a name of its own: set STREAMS_NODE.',
    });
    await expect(claim('two', 'projector/node-2/projector-1')).resolves.toBeDefined();
  });

  test('is its own again at once when it starts anew, also after a crash', async () => {
    await claim('one');
    await expect(claim('one')).resolves.toBeDefined();
  });

  test('goes to the next one when its holder has ended, or has been silent for long', async () => {
    await (await claim('one')).stop();
    const second = await claim('two');
    await expect(claim('three')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    await second.stop();
    await leases.acquire('name/projector/node-1/projector-1', 'died', 40);
    const waiting = claim('four', undefined, 60);
    clock.advance(50);
    await expect(waiting).resolves.toBeDefined();
  });
});
