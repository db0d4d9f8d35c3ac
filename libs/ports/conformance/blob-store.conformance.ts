import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { blobCid } from '../blob-cid.ts';
import type { BlobStore } from '../blob-store.port.ts';
import { operatingError, useSubject, type SubjectFactory } from './subject.ts';

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const cidOf = (bytes: Uint8Array) => blobCid(createHash('sha256').update(bytes).digest());

/** What every blob store promises. */
export function blobStoreConformance(name: string, factory: SubjectFactory<BlobStore>): void {
  describe(`${name} is a blob store`, () => {
    const subject = useSubject(factory);
    storing(() => subject().port);
    ranges(() => subject().port);
    streams(() => subject().port);
    absence(() => subject().port);
  });
}

function storing(store: () => BlobStore): void {
  test.each([
    ['nothing', new Uint8Array(0)],
    ['text', bytesOf('hello world')],
    ['all byte values', Uint8Array.from({ length: 256 }, (_, at) => at)],
    ['five megabytes', new Uint8Array(5_000_000).map((_, at) => (at * 31) >> 3)],
  ])('stores %s under its CID', async (_what, bytes) => {
    const info = await store().put(bytes);
    expect(info).toEqual({ cid: cidOf(bytes), sizeBytes: bytes.length });
    expect(await store().stat(info.cid)).toEqual(info);
    expect(Buffer.compare(await store().read(info.cid), bytes)).toBe(0);
  });

  test('the same bytes again, also at the same time, are the same blob', async () => {
    const bytes = bytesOf('the same');
    const infos = await Promise.all(Array.from({ length: 20 }, () => store().put(bytes)));
    expect(new Set(infos.map(({ cid }) => cid))).toEqual(new Set([cidOf(bytes)]));
    expect(Buffer.from(await store().read(cidOf(bytes))).toString()).toBe('the same');
  });

  test('what the caller does to the bytes afterwards does not matter', async () => {
    const bytes = bytesOf('mine');
    const { cid } = await store().put(bytes);
    bytes.fill(0);
    (await store().read(cid)).fill(0);
    expect(Buffer.from(await store().read(cid)).toString()).toBe('mine');
  });

  test('a view into a larger buffer is stored as what it shows', async () => {
    const { cid, sizeBytes } = await store().put(bytesOf('xxviewxx').subarray(2, 6));
    expect([cid, sizeBytes]).toEqual([cidOf(bytesOf('view')), 4]);
    expect(Buffer.from(await store().read(cid)).toString()).toBe('view');
  });
}

function ranges(store: () => BlobStore): void {
  test.each([
    [0, 0, '0'],
    [2, 5, '2345'],
    [0, 9, '0123456789'],
    [9, 9, '9'],
    [7, 1000, '789'],
  ])('bytes %i to %i', async (first, last, expected) => {
    const { cid } = await store().put(bytesOf('0123456789'));
    expect(Buffer.from(await store().read(cid, { first, last })).toString()).toBe(expected);
  });

  test.each([
    ['backwards', 5, 4],
    ['negative', -1, 4],
    ['beyond the end', 10, 12],
    ['of a fraction', 0.5, 4],
    ['of no number', Number.NaN, 4],
    ['without an end', 0, Number.POSITIVE_INFINITY],
  ])('a range %s is invalid', async (_what, first, last) => {
    const { cid } = await store().put(bytesOf('0123456789'));
    await expect(store().read(cid, { first, last })).rejects.toEqual(operatingError('BLOB_RANGE_INVALID'));
  });

  test('nothing has no range', async () => {
    const { cid } = await store().put(new Uint8Array(0));
    await expect(store().read(cid, { first: 0, last: 0 })).rejects.toEqual(operatingError('BLOB_RANGE_INVALID'));
  });
}

async function* piecesOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

/** Pieces of a length that divides neither blocks nor parts. */
const film = Array.from({ length: 40 }, (_, at) => new Uint8Array(499_979).map((__, byte) => (byte * 7 + at) >> 2));

function streams(store: () => BlobStore): void {
  test.each([
    ['nothing', []],
    ['one piece', [bytesOf('streamed')]],
    ['empty pieces in between', [bytesOf('a'), new Uint8Array(0), bytesOf('b')]],
    ['twenty megabytes in pieces', film],
  ])('streams %s in and out, the same blob as put at once', async (_what, pieces) => {
    const whole = Buffer.concat(pieces);
    const info = await store().putStream(piecesOf(...pieces));
    expect(info).toEqual({ cid: cidOf(whole), sizeBytes: whole.length });
    expect(await store().stat(info.cid)).toEqual(info);
    expect(Buffer.compare(await collected(store().readStream(info.cid)), whole)).toBe(0);
    expect(await store().put(whole)).toEqual(info);
    expect(await store().putStream(piecesOf(...pieces))).toEqual(info);
  });

  test.each([
    [0, 0, '0'],
    [2, 5, '2345'],
    [7, 1000, '789'],
  ])('streams bytes %i to %i', async (first, last, expected) => {
    const { cid } = await store().put(bytesOf('0123456789'));
    expect((await collected(store().readStream(cid, { first, last }))).toString()).toBe(expected);
  });

  test('a source that fails leaves nothing, and its own error', async () => {
    const pieces = film.slice(0, 30);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* pieces;
      throw new Error('the camera fell over');
    }
    await expect(store().putStream(broken())).rejects.toThrow('the camera fell over');
    expect(await store().stat(cidOf(Buffer.concat(pieces)))).toBeUndefined();
  });

  test('who stops in the middle of a stream has had enough', async () => {
    const { cid } = await store().putStream(piecesOf(...film));
    for await (const piece of store().readStream(cid)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect((await collected(store().readStream(cid, { first: 0, last: 3 }))).length).toBe(4);
  });

  test('what is not there, or not within, cannot be streamed', async () => {
    const { cid } = await store().put(bytesOf('0123456789'));
    await expect(collected(store().readStream(cid, { first: 10, last: 12 }))).rejects.toEqual(operatingError('BLOB_RANGE_INVALID'));
    for (const absent of [cidOf(bytesOf('never streamed')), 'nonsense']) {
      await expect(collected(store().readStream(absent))).rejects.toEqual(operatingError('BLOB_NOT_FOUND'));
    }
  });
}

function absence(store: () => BlobStore): void {
  test.each([
    ['a CID that nobody stored', cidOf(bytesOf('never stored'))],
    ['no CID', 'nonsense'],
    ['nothing', ''],
    ['a path', '../../../etc/passwd'],
    ['a CID with a path behind', `${cidOf(bytesOf('0123456789'))}/../x`],
  ])('%s is not found', async (_what, cid) => {
    expect(await store().stat(cid)).toBeUndefined();
    await expect(store().read(cid)).rejects.toEqual(operatingError('BLOB_NOT_FOUND'));
    await expect(store().read(cid, { first: 0, last: 1 })).rejects.toEqual(operatingError('BLOB_NOT_FOUND'));
    await store().delete(cid);
  });

  test('a deleted blob is gone, and can be stored again', async () => {
    const bytes = bytesOf('to be deleted');
    const { cid } = await store().put(bytes);
    await store().delete(cid);
    await store().delete(cid);
    expect(await store().stat(cid)).toBeUndefined();
    await expect(store().read(cid)).rejects.toEqual(operatingError('BLOB_NOT_FOUND'));
    await store().put(bytes);
    expect(await store().stat(cid)).toEqual({ cid, sizeBytes: bytes.length });
  });
}
