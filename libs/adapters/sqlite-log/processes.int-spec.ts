import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import type { StoredRecord } from '#events';
import { SystemTime } from './fixture/system-time.ts';
import { SqliteEventLog } from './sqlite-event-log.adapter.ts';

const bun = join(dirname(createRequire(import.meta.url).resolve('bun/package.json')), 'bin', 'bun.exe');
const runtimes: ReadonlyArray<readonly [string, string, readonly string[]]> = [
  ['node', process.execPath, ['--no-warnings']],
  ['bun', bun, []],
];

async function collect(log: SqliteEventLog, topic: string, count: number): Promise<StoredRecord[]> {
  const stop = new AbortController();
  const records: StoredRecord[] = [];
  const follow = async (partition: number) => {
    for (let from = 0n; !stop.signal.aborted;) {
      const batch = await log.read(topic, partition, from, { recordsMax: 100, bytesMax: 1_000_000, waitMs: 30_000 }, stop.signal);
      records.push(...batch.records);
      from = batch.next;
      if (records.length >= count) stop.abort();
    }
  };
  await Promise.all((await log.heads(topic)).map(({ partition }) => follow(partition)));
  return records;
}

test.each(runtimes)(
  'a process of %s and this one append, wait and read side by side',
  async (name, executable, flags) => {
    const folder = await mkdtemp(join(tmpdir(), 'sqlite-peer-'));
    const path = join(folder, 'events.sqlite');
    const log = new SqliteEventLog({ path }, { clock: new SystemTime() });
    await log.ensureTopic('questions', 3);
    await log.ensureTopic('answers', 3);
    const peer = spawn(executable, [...flags, join(import.meta.dirname, 'fixture', 'peer.js'), path], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const exited = once(peer, 'exit');
      const lines: string[] = [];
      createInterface({ input: peer.stdout }).on('line', (line) => lines.push(line));
      const answers = collect(log, 'answers', 31);
      for (let n = 0; n < 30; n++) await log.append('questions', [{ key: `k${n}`, headers: { n: `${n}`, text: '😀\u0000' }, value: `${n}` }]);
      await log.append('questions', [{ key: 'k0', headers: {}, value: 'stop' }]);
      const values = (await answers).map(({ value }) => value).sort();
      expect(values).toEqual([...Array.from({ length: 30 }, (_, n) => `${n}`), 'stop'].sort());
      for (const { headers, value } of await answers)
        expect(headers).toEqual(value === 'stop' ? { runtime: name } : { n: value, text: '😀\u0000', runtime: name });
      expect(await exited).toEqual([0, null]);
      expect(lines).toEqual(['ready', '["OFFSET_OUT_OF_RANGE","PRODUCER_FENCED","TOPIC_UNKNOWN"]']);
    } finally {
      peer.kill('SIGKILL');
      await log.close();
      await rm(folder, { recursive: true });
    }
  },
  60_000,
);
