import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { encodeEvent, purgeRequested, topicPartitions } from '#events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

const ids = new UuidV7IdSource();
const paths = Array.from({ length: 60 }, (_, at) => `/media/${at}.m4s`);
const bodyOf = (path: string, version: string): string => `${version} ${path} `.repeat(500);

interface DiskState {
  readonly state: string;
  readonly objects: number;
  readonly written: number;
  readonly hits: number;
  readonly faults: number;
}

describe.each<EdgeRuntime>(['bun', 'node'])('storing on a real disk, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let edges: EdgeProcess[];

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
    edges = [];
    publish('old');
  }, 30_000);

  afterEach(async () => {
    await Promise.all(edges.map((edge) => edge.kill()));
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const publish = (version: string): void => {
    for (const path of paths) origin.says(path, '200 OK\r\ncache-control: max-age=3600', bodyOf(path, version));
  };
  const store = (): string => join(folder.path, 'disk', 'edge-1');
  const start = async (env: Readonly<Record<string, string>> = {}): Promise<EdgeProcess> => {
    const disk = { EDGE_DISK_DIR: join(folder.path, 'disk'), EDGE_DISK_MB: '32' };
    const edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { ...disk, ...env } });
    edges.push(edge);
    return edge;
  };
  const disk = async (edge: EdgeProcess): Promise<DiskState> => (await edge.status())['disk'] as unknown as DiskState;
  /** Asks for everything twice: that is what brings it to the disk. */
  const warm = async (edge: EdgeProcess): Promise<void> => {
    for (let round = 0; round < 2; round++) await Promise.all(paths.map((path) => edge.get(path)));
  };
  const bodies = async (edge: EdgeProcess): Promise<string[]> => {
    const answers = await Promise.all(paths.map((path) => edge.get(path)));
    return answers.map(({ body, status }, at) =>
      status === 200 && body === bodyOf(paths[at] as string, body.split(' ', 1)[0] as string) ? (body.split(' ', 1)[0] as string) : 'wrong',
    );
  };
  const purge = async (data: { readonly urls: string[]; readonly selectors?: { readonly kind: 'prefix'; readonly value: string }[] }): Promise<void> => {
    const purgeId = ids.next();
    const meta = {
      source: '/test',
      subject: purgeId,
      time: Date.now(),
      key: purgeId,
      tenant: 'default',
      correlationId: 'c',
      causationId: 'c',
      traceparent: '',
    };
    const event = {
      ...meta,
      id: ids.next(),
      type: purgeRequested.type,
      version: purgeRequested.version,
      actor: 'key:test',
      streamVersion: 1n,
      producerEpoch: 0n,
    };
    await log.append('cache', [encodeEvent({ ...event, data: { purgeId, reason: 'test', ...data } } as never)]);
  };
  const askedSince = (before: number): number => origin.seen.length - before;

  test('killed and started again it is warm: what was asked for twice comes from the disk, byte for byte', async () => {
    const first = await start();
    await warm(first);
    await until(async () => (await disk(first)).written === paths.length);
    await first.kill();
    const second = await start();
    publish('new');
    const before = origin.seen.length;
    expect(new Set(await bodies(second))).toEqual(new Set(['old']));
    expect([askedSince(before), (await disk(second)).hits]).toEqual([0, paths.length]);
    expect((await second.get(paths[0] as string)).headers['cache-status']).toMatch(/^edge-1; hit; ttl=3[56]\d\d$/);
  }, 60_000);

  test('what was purged while it was dead is never served again, nor what was purged just before it was killed', async () => {
    const first = await start();
    await warm(first);
    await until(async () => (await disk(first)).written === paths.length);
    const offsets = (await first.status()).positions;
    publish('new');
    await purge({ urls: paths.slice(0, 10) });
    await purge({ urls: [], selectors: [{ kind: 'prefix', value: '/media/1' }] });
    // Read from the log, so applied; whether it was written down by the time of the kill must not matter.
    await until(async () => (await first.status()).positions.join() !== offsets.join());
    await first.kill();
    await purge({ urls: paths.slice(50) });
    const second = await start();
    const fresh = await bodies(second);
    const purged = paths.map((path, at) => at < 10 || at >= 50 || path.startsWith('/media/1'));
    expect(fresh).toEqual(purged.map((gone) => (gone ? 'new' : 'old')));
    await second.kill();
    const third = await start();
    expect(await bodies(third)).toEqual(fresh);
  }, 60_000);

  test('killed at any moment of writing, again and again, it serves nothing that is not whole', async () => {
    for (let round = 0; round < 4; round++) {
      const edge = await start();
      const asking = warm(edge).catch(() => undefined);
      await until(async () => (await disk(edge)).objects >= round * 5);
      await edge.kill();
      await asking;
    }
    const last = await start();
    expect(new Set(await bodies(last))).toEqual(new Set(['old']));
    expect((await disk(last)).state).toBe('on');
  }, 60_000);

  test('a run without the disk leaves nothing that could be served from it later', async () => {
    const first = await start();
    await warm(first);
    await until(async () => (await disk(first)).written === paths.length);
    await first.kill();
    const without = await start({ EDGE_DISK_DIR: '', EDGE_DISK_MB: '0' });
    const offsets = join(folder.path, 'edge', 'edge-1', 'offsets.json');
    const before = await readFile(offsets, 'utf8');
    publish('new');
    await purge({ urls: paths });
    await until(async () => (await readFile(offsets, 'utf8')) !== before);
    await without.kill();
    expect(new Set(await bodies(await start()))).toEqual(new Set(['new']));
  }, 60_000);

  test('bytes that have changed on the disk are found out, and asked for anew', async () => {
    const first = await start();
    await warm(first);
    await until(async () => (await disk(first)).written === paths.length);
    await first.kill('SIGTERM');
    const segments = (await readdir(store())).filter((name) => name.startsWith('segment'));
    for (const name of segments) {
      const bytes = await readFile(join(store(), name));
      for (let at = 5000; at < bytes.length; at += 40_000) bytes[at] = (bytes[at] as number) ^ 0xff;
      await writeFile(join(store(), name), bytes);
    }
    const second = await start();
    const before = origin.seen.length;
    expect(new Set(await bodies(second))).toEqual(new Set(['old']));
    expect((await disk(second)).faults).toBeGreaterThan(0);
    expect(askedSince(before)).toBe((await disk(second)).faults);
  }, 60_000);

  test('a folder that another process has, or that is none, leaves an edge that serves from memory and says so', async () => {
    await start();
    const complaints = (edge: EdgeProcess): string[] => edge.lines.map((line) => String(line['msg'])).filter((text) => text.includes('from memory alone'));
    const other = await start({ STREAMS_DATA_DIR: join(folder.path, 'other') });
    await writeFile(join(folder.path, 'file'), '');
    const nowhere = await start({ STREAMS_DATA_DIR: join(folder.path, 'third'), EDGE_DISK_DIR: join(folder.path, 'file') });
    for (const edge of [other, nowhere]) {
      expect(complaints(edge).length).toBe(1);
      await warm(edge);
      expect([new Set(await bodies(edge)), (await edge.status())['disk']]).toEqual([new Set(['old']), undefined]);
    }
  }, 60_000);
});
