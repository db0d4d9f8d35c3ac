import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { blobCid } from '#ports';
import { blobStoreConformance } from '#ports/conformance';
import { FsBlobStore } from './fs-blob-store.adapter.ts';

const run = promisify(execFile);

blobStoreConformance('FsBlobStore', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fs-blob-'));
  return { port: await FsBlobStore.open({ folder }), elapse: async () => {}, dispose: () => rm(folder, { recursive: true }) };
});

const bytes = new Uint8Array(Buffer.from('some bytes of a segment'));

async function pathOf(folder: string, cid: string): Promise<string> {
  const found = (await readdir(folder, { recursive: true })).find((name) => name.endsWith(cid));
  if (found === undefined) throw new Error(`no file of ${cid}`);
  return join(folder, found);
}

describe('FsBlobStore on its disk', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fs-blob-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('blobs are there for other processes and after a restart, as plain files named by CID', async () => {
    const { cid } = await (await FsBlobStore.open({ folder })).put(bytes);
    expect(await (await FsBlobStore.open({ folder })).stat(cid)).toEqual({ cid, sizeBytes: bytes.length });
    const text = await readFile(await pathOf(folder, cid));
    expect(blobCid(createHash('sha256').update(text).digest())).toBe(cid);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  test.each([
    ['a flipped bit', (whole: Buffer) => Buffer.from(whole.map((byte, at) => (at === 3 ? byte ^ 1 : byte)))],
    ['a lost tail', (whole: Buffer) => whole.subarray(0, -1)],
    ['an emptied file', () => Buffer.alloc(0)],
  ])('%s is found out by a full read', async (_what, damage) => {
    const store = await FsBlobStore.open({ folder });
    const { cid } = await store.put(bytes);
    const path = await pathOf(folder, cid);
    await writeFile(path, damage(await readFile(path)));
    await expect(store.read(cid)).rejects.toEqual(expect.objectContaining({ code: 'BLOB_CORRUPT', message: expect.stringContaining(path) }));
  });

  test('what a killed writer left is swept at the next open; what a living one writes is not', async () => {
    await mkdir(join(folder, 'tmp'), { recursive: true });
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    const orphans = [`${hostname()}.${gone.pid}.a`, 'elsewhere.1.old'];
    const living = [`${hostname()}.${process.pid}.b`, 'elsewhere.1.young'];
    for (const name of [...orphans, ...living]) await writeFile(join(folder, 'tmp', name), 'part');
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(folder, 'tmp', 'elsewhere.1.old'), longAgo, longAgo);
    await FsBlobStore.open({ folder });
    expect((await readdir(join(folder, 'tmp'))).sort()).toEqual(living.sort());
  });

  test('a folder that cannot be made is one clear sentence', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(FsBlobStore.open({ folder: join(folder, 'file', 'blobs') })).rejects.toEqual(
      expect.objectContaining({ code: 'BLOB_STORE_UNAVAILABLE', retryable: true, message: expect.stringContaining('blob store') }),
    );
  });
});

const root = process.getuid?.() === 0 && process.platform === 'linux';

(root ? describe : describe.skip)('FsBlobStore on a full disk (needs root, for a small file system)', () => {
  test('a put is refused and leaves nothing; what was there stays, and it goes on when there is room', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fs-blob-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    try {
      const store = await FsBlobStore.open({ folder });
      const { cid } = await store.put(bytes);
      await writeFile(join(folder, 'ballast'), Buffer.alloc(600_000));
      const large = new Uint8Array(700_000).fill(7);
      await expect(store.put(large)).rejects.toEqual(expect.objectContaining({ code: 'BLOB_STORE_FULL', retryable: true }));
      expect(await readdir(join(folder, 'tmp'))).toEqual([]);
      expect(Buffer.compare(await store.read(cid), bytes)).toBe(0);
      await rm(join(folder, 'ballast'));
      expect((await store.read((await store.put(large)).cid)).length).toBe(large.length);
    } finally {
      await run('umount', [folder]);
      await rm(folder, { recursive: true });
    }
  });
});
