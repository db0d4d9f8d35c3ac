import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startProjector } from './projector-process.ts';
import { openWorld, type World } from './world.ts';

const main = fileURLToPath(new URL('../../apps/projector/main.js', import.meta.url));
let world: World;
let elsewhere: string;

beforeAll(async () => {
  world = await openWorld();
  // Another machine's folder, on the same log.
  elsewhere = await mkdtemp(join(tmpdir(), 'streams-elsewhere-'));
  await symlink(join(world.folder, 'log'), join(elsewhere, 'log'));
});

afterAll(async () => {
  await world?.close();
  await rm(elsewhere, { recursive: true, force: true });
});

test('a machine that was left with the name of another does not start, says so, and may take its place later', async () => {
  const first = await startProjector(world);
  const env = { ...process.env, ...world.env, STREAMS_DATA_DIR: elsewhere, DATABASE_URL: world.databaseUrl, LOG_FORMAT: 'json' };
  const second = spawn(process.execPath, ['--no-warnings', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(second.stdout), once(second, 'exit') as Promise<[number | null]>]);
  expect(code).toBe(2);
  expect(said).toContain(
    'Another machine runs as projector/node-1/projector-1 already. Give each machine a name of its own: set STREAMS_NODE, or PROJECTOR_ID.',
  );
  expect(first.lines.filter((line) => line.includes('lost the lease'))).toEqual([]);
  const third = await startProjector({ ...world, folder: elsewhere, env: { ...world.env, STREAMS_NODE: 'node-2' } });
  await third.stop();
  await first.stop();
  const successor = await startProjector({ ...world, folder: elsewhere });
  await successor.stop();
});
