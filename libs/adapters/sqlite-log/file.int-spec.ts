import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LogRecord } from '#events';
import type { EventLog } from '#ports';
import { SystemTime } from './fixture/system-time.ts';
import { SqliteEventLog, type SqliteEventLogInit } from './sqlite-event-log.adapter.ts';

const run = promisify(execFile);
const clock = new SystemTime();
const atOnce = { recordsMax: 5000, bytesMax: 8_000_000, waitMs: 0 };

let folder = '';
let path = '';
const opened: EventLog[] = [];

function openLog(init: Partial<SqliteEventLogInit> = {}): SqliteEventLog {
  const log = new SqliteEventLog({ path, ...init }, { clock });
  opened.push(log);
  return log;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-file-'));
  path = join(folder, 'events.sqlite');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()));
  await rm(folder, { recursive: true });
});

function records(count: number, bytes = 10): LogRecord[] {
  return Array.from({ length: count }, (_, n) => ({ key: `k${n}`, headers: { n: `${n}` }, value: 'x'.repeat(bytes) }));
}

async function countOf(log: EventLog, topic = 't'): Promise<number> {
  return (await log.heads(topic)).reduce((sum, { low, high }) => sum + Number(high - low), 0);
}

async function filled(): Promise<void> {
  const log = openLog();
  await log.ensureTopic('t', 4);
  for (let n = 0; n < 20; n++) await log.append('t', records(100, 300), { producer: { id: 'p', epoch: 1n, sequence: BigInt(n * 100) } });
  await log.close();
}

/** Appends until it is refused as full; answers how many records were acknowledged. */
async function fillUp(log: EventLog): Promise<number> {
  for (let count = 0; ; count += 50) {
    try {
      await log.append('t', records(50, 1000));
    } catch (error) {
      expect(error).toEqual(expect.objectContaining({ code: 'LOG_FULL', retryable: true, message: expect.stringContaining('full') }));
      return count;
    }
  }
}

/** A full log refuses, loses nothing, still reads, and goes on when there is room. */
async function expectFullAndRecovered(log: EventLog, makeRoom: () => Promise<void>): Promise<void> {
  await log.ensureTopic('t', 4);
  const acknowledged = await fillUp(log);
  expect(acknowledged).toBeGreaterThan(0);
  expect(await countOf(log)).toBe(acknowledged);
  const together = await Promise.allSettled(Array.from({ length: 3 }, () => log.append('t', records(200, 1000))));
  for (const one of together) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'LOG_FULL' } });
  expect(await countOf(log)).toBe(acknowledged);
  expect((await log.read('t', 0, 0n, atOnce)).records.length).toBeGreaterThan(0);
  await makeRoom();
  await log.append('t', records(50, 1000));
  expect(await countOf(log)).toBeGreaterThanOrEqual(50);
}

describe('a full disk', () => {
  test('at the bound that was set; a truncation makes room', async () => {
    const log = openLog({ sizeBytesMax: 1_000_000 });
    await expectFullAndRecovered(log, async () => {
      for (const { partition, high } of await log.heads('t')) await log.truncate('t', partition, high);
    });
  });

  const root = process.getuid?.() === 0 && process.platform === 'linux';
  (root ? test : test.skip)('of a small file system (needs root); freed space makes room', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
    try {
      await writeFile(join(folder, 'ballast'), Buffer.alloc(1_500_000));
      const log = openLog();
      await expectFullAndRecovered(log, () => rm(join(folder, 'ballast')));
      await log.close();
    } finally {
      await run('umount', [folder]);
    }
  });
});

/** Overwrites bytes of the file with others. */
async function scribble(at: number, length: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(length, 0x5a), 0, length, at);
  await file.close();
}

describe('a damaged file is one clear sentence', () => {
  const oneSentence = expect.stringMatching(/^The event log .*events\.sqlite .*\. Restore it from a backup, or move it away to begin with an empty log\.$/);

  test.each([
    ['no database at all', async () => writeFile(path, 'this is not a database, but long enough to be looked at '.repeat(50))],
    ['a lost header', async () => scribble(0, 100)],
    ['a lost first page', async () => scribble(100, 3900)],
    [
      'a database of something else',
      async () => {
        await rm(path);
        const other = new DatabaseSync(path);
        other.exec('CREATE TABLE guests (name TEXT)');
        other.close();
      },
    ],
  ])('%s', async (_what, damage) => {
    await filled();
    await damage();
    expect(() => openLog()).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT', retryable: false, message: oneSentence }));
  });

  test.each([
    ['pages overwritten', async (size: number) => scribble(40_960, size - 40_960)],
    ['the second half lost', async (size: number) => truncate(path, size / 2)],
  ])('%s, found when they are read', async (_what, damage) => {
    await filled();
    await damage((await stat(path)).size);
    const read = async () => {
      const log = openLog();
      for (let partition = 0; partition < 4; partition++) await log.read('t', partition, 0n, atOnce);
    };
    await expect(read()).rejects.toEqual(expect.objectContaining({ code: 'LOG_CORRUPT', message: oneSentence }));
  });
});

describe('the file', () => {
  test('of a newer schema is refused and left alone', async () => {
    await filled();
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(() => openLog()).toThrow(expect.objectContaining({ code: 'LOG_TOO_NEW', retryable: false, message: expect.stringContaining('schema 99') }));
  });

  test('keeps its id, also one that was written before there were ids', async () => {
    await filled();
    // Nobody has asked for it so far: the file is as older versions left it.
    const identities = await Promise.all([openLog(), openLog(), openLog()].map((log) => log.identity()));
    expect(new Set(identities).size).toBe(1);
    expect(await openLog().identity()).toBe(identities[0]);
    expect(await openLog({ path: join(folder, 'other.sqlite') }).identity()).not.toBe(identities[0]);
    expect(await countOf(openLog())).toBe(2000);
  });

  test('that cannot be made is a clear sentence', async () => {
    await writeFile(join(folder, 'plain'), '');
    expect(() => openLog({ path: join(folder, 'plain', 'events.sqlite') })).toThrow(/event log .* cannot be used/);
  });

  test('is made by many at once', async () => {
    const logs = Array.from({ length: 4 }, () => openLog());
    await Promise.all(logs.map((log) => log.ensureTopic('t', 4)));
    await Promise.all(logs.map((log) => log.append('t', records(10))));
    expect(await countOf(logs[0] as EventLog)).toBe(40);
  });

  test('is written by two connections in turn, under one producer and one subject', async () => {
    const logs = [openLog(), openLog()] as const;
    await logs[0].ensureTopic('t', 2);
    for (let n = 0; n < 20; n++) {
      const at = BigInt(n * 3);
      await logs[n % 2 === 0 ? 0 : 1].append('t', records(3), { producer: { id: 'p', epoch: 1n, sequence: at }, expected: { subject: 's', version: at } });
    }
    expect(await countOf(logs[0])).toBe(60);
    await expect(logs[0].append('t', records(1), { producer: { id: 'p', epoch: 1n, sequence: 61n } })).rejects.toEqual(
      expect.objectContaining({ code: 'SEQUENCE_GAP' }),
    );
  });

  test('keeps everything over a restart, what it remembers of producers and subjects too', async () => {
    await filled();
    const log = openLog();
    expect(await countOf(log)).toBe(2000);
    const repeated = await log.append('t', records(100, 300), { producer: { id: 'p', epoch: 1n, sequence: 1900n } });
    expect(repeated).toHaveLength(100);
    expect(await countOf(log)).toBe(2000);
  });

  test('gets its write-ahead log back to its bound after readers made it grow', async () => {
    const walBytesMax = 1_000_000;
    const log = openLog({ walBytesMax });
    await log.ensureTopic('t', 1);
    // A reader that always holds a snapshot when a commit comes, and moves on to a new one after each.
    const reader = new DatabaseSync(path);
    const look = () => reader.exec('BEGIN; SELECT count(*) FROM topic');
    look();
    for (let n = 0; n < 400; n++) {
      await log.append('t', records(20, 1000));
      if (n % 70 === 69) reader.exec('COMMIT');
      else if (n % 70 === 0 && n > 0) look();
    }
    reader.close();
    const grown = (await stat(`${path}-wal`)).size;
    for (let n = 0; n < 600; n++) await log.append('t', records(1));
    expect(grown).toBeGreaterThan(2 * walBytesMax);
    expect((await stat(`${path}-wal`)).size).toBeLessThan(2 * walBytesMax);
    expect(await countOf(log)).toBe(8600);
  });
});

describe('a bad call among others', () => {
  test('hurts nobody else in its transaction', async () => {
    const log = openLog();
    await log.ensureTopic('t', 4);
    const bad = [{ key: 'k', headers: { broken: 7 as never }, value: 'x' }];
    const settled = await Promise.allSettled([
      log.append('t', records(3)),
      log.append('t', bad),
      log.append('nowhere', records(1)),
      log.append('t', records(3)),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await countOf(log)).toBe(6);
  });
});

describe('what it remembers', () => {
  test('of a producer is its latest 10,000 appends; an older repetition is refused, not written again', async () => {
    const log = openLog();
    await log.ensureTopic('t', 1);
    const [record] = records(1) as [LogRecord];
    const as = (sequence: number) => ({ producer: { id: 'p', epoch: 1n, sequence: BigInt(sequence) } });
    const positions = await Promise.all(Array.from({ length: 12_000 }, (_, n) => log.append('t', [record], as(n))));
    expect(await log.append('t', [record], as(2000))).toEqual(positions[2000]);
    await expect(log.append('t', [record], as(0))).rejects.toEqual(expect.objectContaining({ code: 'SEQUENCE_GAP' }));
    expect(await countOf(log)).toBe(12_000);
    await log.close();
    const file = new DatabaseSync(path);
    expect(file.prepare('SELECT count(*) AS count FROM producer_append').get()?.['count']).toBeLessThan(11_000);
    file.close();
  });

  test('of time never goes back, even when the clock does', async () => {
    const times = [1_790_000_005_000, 1_790_000_001_000, 1_790_000_006_000];
    const log = new SqliteEventLog({ path }, { clock: { now: () => times.shift() ?? 0 } });
    opened.push(log);
    await log.ensureTopic('t', 1);
    for (let n = 0; n < 2; n++) await log.append('t', records(1));
    await log.truncate('t', 0, 2n);
    for (let n = 0; n < 2; n++) await log.append('t', records(1));
    expect((await log.read('t', 0, 2n, atOnce)).records.map(({ recordedAt }) => recordedAt)).toEqual([1_790_000_006_000, 1_790_000_006_000]);
  });
});

describe('the event loop', () => {
  test('goes on while somebody appends and reads without pause', async () => {
    const log = openLog();
    await log.ensureTopic('t', 1);
    let busy = true;
    let turns = 0;
    const others = (async () => {
      for (; busy; turns++) await new Promise((resolve) => setImmediate(resolve));
    })();
    for (let n = 0; n < 20; n++) await log.append('t', records(1));
    for (let n = 0; n < 20; n++) await log.read('t', 0, 0n, atOnce);
    busy = false;
    await others;
    expect(turns).toBeGreaterThanOrEqual(40);
  });
});
