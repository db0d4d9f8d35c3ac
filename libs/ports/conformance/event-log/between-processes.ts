import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import type { StoredRecord } from '#events';
import type { EventLog } from '../../event-log.port.ts';

export interface SharedLog {
  readonly log: EventLog;
  /** Tells the peer where the log is. */
  readonly peerArguments: readonly string[];
  /** Closes the log and removes what it left. */
  dispose(): Promise<void>;
}

export interface BetweenProcessesInit {
  readonly open: () => Promise<SharedLog>;
  /** The compiled file of a process that opens the log by its arguments and calls `runPeer`. */
  readonly peer: string;
  readonly timeoutMs: number;
}

const bun = join(dirname(createRequire(import.meta.url).resolve('bun/package.json')), 'bin', 'bun.exe');
const runtimes: ReadonlyArray<readonly [string, string, readonly string[]]> = [
  ['node', process.execPath, ['--no-warnings']],
  ['bun', bun, []],
];

/** Several processes share a log, whatever they run on. */
export function eventLogBetweenProcesses(name: string, init: BetweenProcessesInit): void {
  test.each(runtimes)(
    `${name}: a process of %s and this one append, wait and read side by side`,
    async (runtime, executable, flags) => {
      const { log, peerArguments, dispose } = await init.open();
      await log.ensureTopic('questions', 3);
      await log.ensureTopic('answers', 3);
      const peer = spawn(executable, [...flags, init.peer, ...peerArguments], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const exited = once(peer, 'exit');
        const lines: string[] = [];
        createInterface({ input: peer.stdout }).on('line', (line) => lines.push(line));
        const answers = collect(log, 'answers', 31);
        for (let n = 0; n < 30; n++) await log.append('questions', [{ key: `k${n}`, headers: { n: `${n}`, text: '😀\u0000' }, value: `${n}` }]);
        await log.append('questions', [{ key: 'k0', headers: {}, value: 'stop' }]);
        const values = (await answers).map(({ value }) => value).sort();
        expect(values).toEqual([...Array.from({ length: 30 }, (_, n) => `${n}`), 'stop'].sort());
        for (const { headers, value } of await answers) expect(headers).toEqual(value === 'stop' ? { runtime } : { n: value, text: '😀\u0000', runtime });
        expect(await exited).toEqual([0, null]);
        expect(lines).toEqual(['ready', '["OFFSET_OUT_OF_RANGE","PRODUCER_FENCED","TOPIC_UNKNOWN"]']);
      } finally {
        peer.kill('SIGKILL');
        await dispose();
      }
    },
    init.timeoutMs,
  );
}

async function collect(log: EventLog, topic: string, count: number): Promise<StoredRecord[]> {
  const stop = new AbortController();
  const records: StoredRecord[] = [];
  const follow = async (partition: number): Promise<void> => {
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
