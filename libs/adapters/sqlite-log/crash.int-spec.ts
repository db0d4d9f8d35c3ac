import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Prng } from '#kernel';
import { SystemTime } from './fixture/system-time.ts';
import { SqliteEventLog } from './sqlite-event-log.adapter.ts';

const killsPerWriter = 8;
const seed = 20261122;

/** Runs the writer again and again, killing it at random; answers how many records were acknowledged to it. */
async function writeAndDie(path: string, producer: string, dice: Prng, children: Set<ChildProcess>): Promise<number> {
  let acknowledged = 0;
  for (let kill = 0; kill < killsPerWriter; kill++) {
    const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'fixture', 'crash-writer.js'), path, producer, `${acknowledged}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => (acknowledged = Number(line)));
    await once(lines, 'line');
    await sleep(dice.nextInteger(5, 60));
    child.kill('SIGKILL');
    await exited;
    children.delete(child);
  }
  return acknowledged;
}

test('writers killed at random lose nothing that was acknowledged and double nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sqlite-crash-'));
  const path = join(folder, 'events.sqlite');
  const children = new Set<ChildProcess>();
  try {
    const producers = ['a', 'b', 'c'];
    const acknowledged = await Promise.all(producers.map((producer, at) => writeAndDie(path, producer, new Prng(seed + at), children)));
    const log = new SqliteEventLog({ path }, { clock: new SystemTime() });
    const seen = new Map<string, number[]>(producers.map((producer) => [producer, []]));
    const perKey = new Map<string, number[]>();
    for (const { partition, high } of await log.heads('crash')) {
      for (let from = 0n; from < high;) {
        const batch = await log.read('crash', partition, from, { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 });
        for (const { key, headers, value } of batch.records) {
          seen.get(headers['producer'] ?? '')?.push(Number(value));
          perKey.set(key, [...(perKey.get(key) ?? []), Number(value)]);
        }
        from = batch.next;
      }
    }
    await log.close();
    producers.forEach((producer, at) => {
      const values = (seen.get(producer) ?? []).sort((a, b) => a - b);
      expect(values).toEqual(Array.from(values, (_, n) => n));
      expect(values.length).toBeGreaterThanOrEqual(acknowledged[at] as number);
      expect(acknowledged[at]).toBeGreaterThan(0);
    });
    for (const values of perKey.values()) expect(values).toEqual([...values].sort((a, b) => a - b));
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}, 60_000);
