/** @needs s3 */
import { createHash, randomBytes } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { blobCid } from '#ports';
import { type S3Engine, startS3 } from '../../../test/constellation/engines/index.ts';
import { type Fault, FaultProxy } from '../../../test/constellation/fault-proxy.ts';
import { S3BlobStore } from './s3-blob-store.adapter.ts';
import type { S3BlobStoreInit } from './s3-place.ts';

const partBytes = 5_242_880;
const segment = new Uint8Array(randomBytes(640_000));
const film = new Uint8Array(randomBytes(3 * partBytes + 17));

let engine: S3Engine;
let proxy: FaultProxy;
let plain: S3Client;
const opened: S3BlobStore[] = [];

beforeAll(async () => {
  engine = await startS3();
  proxy = await FaultProxy.start(engine.endpoint);
  const { accessKeyId, secretAccessKey } = engine;
  plain = new S3Client({ endpoint: engine.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
});
afterEach(() => {
  proxy.heal();
  for (const store of opened.splice(0)) store.close();
});
afterAll(async () => {
  plain.destroy();
  await proxy.stop();
  await engine.stop();
});

async function open(init: Partial<S3BlobStoreInit> = {}): Promise<S3BlobStore> {
  const { bucket, accessKeyId, secretAccessKey } = engine;
  const credentials = { accessKeyId, secretAccessKey };
  const place = { endpoint: proxy.url, bucket, region: 'us-east-1', credentials, forcePathStyle: true, prefix: '', partBytes };
  const store = await S3BlobStore.open({ ...place, ...init });
  opened.push(store);
  return store;
}

const cidOf = (bytes: Uint8Array): string => blobCid(createHash('sha256').update(bytes).digest());
const failure = (code: string, retryable: boolean, words = ''): object => expect.objectContaining({ code, retryable, message: expect.stringContaining(words) });

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_003) yield bytes.subarray(at, at + 100_003);
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function leftovers(): Promise<readonly (string | undefined)[]> {
  const uploads = await plain.send(new ListMultipartUploadsCommand({ Bucket: engine.bucket }));
  const unnamed = await plain.send(new ListObjectsV2Command({ Bucket: engine.bucket, Prefix: 'unnamed/' }));
  return [...(uploads.Uploads ?? []), ...(unnamed.Contents ?? [])].map(({ Key }) => Key);
}

describe('faults that pass', () => {
  const faults: readonly Fault[] = ['busy', 'reset', 'lose-answer'];

  test.each([...faults, 'flip-upload'] as const)('a put meets "%s" three times, and is stored', async (fault) => {
    const store = await open();
    const bytes = new Uint8Array(randomBytes(640_000));
    proxy.plan(fault, 3, /^PUT/);
    expect(await store.put(bytes)).toEqual({ cid: cidOf(bytes), sizeBytes: bytes.length });
    expect(Buffer.compare(await store.read(cidOf(bytes)), bytes)).toBe(0);
  });

  test.each([...faults, 'flip-upload'] as const)('every kind of call of an upload in parts meets "%s", and the blob is stored', async (fault) => {
    const store = await open();
    const bytes = new Uint8Array(randomBytes(film.length));
    for (const call of [/^POST .*uploads/, /^PUT .*partNumber=2/, /^POST .*uploadId/, /^PUT (?!.*partNumber)/, /^DELETE/]) {
      if (fault !== 'flip-upload' || call.source.startsWith('^PUT')) proxy.plan(fault, 1, call);
    }
    expect(await store.putStream(inPieces(bytes))).toEqual({ cid: cidOf(bytes), sizeBytes: bytes.length });
    expect(Buffer.compare(await store.read(cidOf(bytes)), bytes)).toBe(0);
  });

  test.each([...faults, 'cut'] as const)('a read meets "%s" three times, and is whole', async (fault) => {
    const store = await open();
    const { cid } = await store.put(segment);
    proxy.plan(fault, 3, /^GET/);
    expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
    proxy.plan(fault, 2, /^GET/);
    expect(Buffer.compare(await store.read(cid, { first: 10, last: 500_000 }), segment.subarray(10, 500_001))).toBe(0);
  });

  test('a stream that breaks goes on where it broke', async () => {
    const store = await open();
    const { cid } = await store.put(film);
    proxy.plan('cut', 4, /^GET/);
    const before = proxy.requests.length;
    expect(Buffer.compare(await collected(store.readStream(cid)), film)).toBe(0);
    expect(proxy.requests.length - before).toBe(5);
  });

  test('a clock that jumped is set right by what the store says about it', async () => {
    const store = await open();
    const { cid } = await store.put(segment);
    const now = Date.now.bind(Date);
    const jump = jest.spyOn(Date, 'now').mockImplementation(() => now() + 7_200_000);
    try {
      const before = proxy.requests.length;
      expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
      expect(proxy.requests.length - before).toBe(2);
    } finally {
      jump.mockRestore();
    }
    expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
  });

  test('a store that restarts in the middle is waited for', async () => {
    const store = await open();
    const { cid } = await store.put(segment);
    const back = engine.restart(500);
    expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
    await back;
  });
});

describe('faults that stay', () => {
  test.each(['busy', 'reset', 'hang'] as const)('"%s" ends at the deadline, and may be tried again', async (fault) => {
    const store = await open({ deadlineMs: 600, idleMs: 200 });
    const { cid } = await store.put(segment);
    proxy.plan(fault, 1000);
    await expect(store.read(cid)).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true, proxy.url));
    await expect(store.stat(cid)).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true));
    await expect(store.put(new Uint8Array([1]))).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true));
    proxy.heal();
    expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
  });

  test('a store that only trickles is given up', async () => {
    const store = await open({ deadlineMs: 500 });
    const { cid } = await store.put(segment);
    proxy.plan('trickle', 1000, /^GET/);
    await expect(store.read(cid)).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true, 'too slowly'));
  });

  test('bytes that were changed are found out, at once or at the end of a stream', async () => {
    const store = await open();
    const { cid } = await store.put(segment);
    proxy.plan('flip', 2, /^GET/);
    await expect(store.read(cid)).rejects.toEqual(failure('BLOB_CORRUPT', false, cid));
    await expect(collected(store.readStream(cid))).rejects.toEqual(failure('BLOB_CORRUPT', false));
  });

  test('an object that somebody cut short is found out, and put again as it was', async () => {
    const store = await open();
    const { cid } = await store.put(segment);
    await plain.send(new PutObjectCommand({ Bucket: engine.bucket, Key: cid, Body: segment.subarray(5) }));
    await expect(store.read(cid)).rejects.toEqual(failure('BLOB_CORRUPT', false));
    await store.put(segment);
    expect(Buffer.compare(await store.read(cid), segment)).toBe(0);
  });

  test('an upload that fails for good takes its parts away', async () => {
    const store = await open({ deadlineMs: 400, orphanAgeMs: 0 });
    proxy.plan('busy', 1000, /^PUT .*partNumber=3/);
    const bytes = new Uint8Array(randomBytes(film.length));
    await expect(store.put(bytes)).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true));
    await expect(store.putStream(inPieces(bytes))).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true));
    expect(await leftovers()).toEqual([]);
    expect(await store.stat(cidOf(bytes))).toBeUndefined();
  });

  test('what a killed upload left is swept by a later open, once it is old enough', async () => {
    const store = await open({ deadlineMs: 300 });
    proxy.plan('busy', 1000, /^PUT .*partNumber=3|^DELETE/);
    await expect(store.put(new Uint8Array(randomBytes(film.length)))).rejects.toEqual(failure('BLOB_STORE_UNAVAILABLE', true));
    await plain.send(new PutObjectCommand({ Bucket: engine.bucket, Key: 'unnamed/lost', Body: 'x' }));
    proxy.heal();
    await open();
    expect(await leftovers()).toEqual([expect.stringMatching(/^bafkrei/), 'unnamed/lost']);
    await open({ orphanAgeMs: 0 });
    expect(await leftovers()).toEqual([]);
  });
});

describe('a store that is not as we expect', () => {
  test.each([
    ['a wrong secret', { accessKeyId: 'constellation', secretAccessKey: 'wrong' }],
    ['an unknown key', { accessKeyId: 'nobody', secretAccessKey: 'wrong' }],
  ])('%s is refused for good, with what to do', async (_what, credentials) => {
    const refusal: unknown = await open({ credentials }).catch((error: unknown) => error);
    expect(refusal).toEqual(failure('BLOB_STORE_REFUSED', false, 'Check S3_ACCESS_KEY_ID'));
    expect((refusal as Error).message).toMatch(/refuses us the bucket \S+: 40[134] [A-Z]/);
    expect((refusal as Error).message).not.toContain('Unknown');
  });

  test('a bucket that may not be made is one clear sentence', async () => {
    const bucket = 'not-a-bucket-of-ours';
    await expect(open({ bucket: 'Not A Bucket' })).rejects.toEqual(expect.objectContaining({ retryable: false }));
    const store = await open({ bucket });
    await plain.send(new DeleteBucketCommand({ Bucket: bucket }));
    await expect(store.put(segment)).rejects.toEqual(failure('BLOB_BUCKET_MISSING', false, bucket));
  });

  test('several that open at once make one bucket', async () => {
    const bucket = 'made-by-many';
    const stores = await Promise.all(Array.from({ length: 6 }, () => open({ bucket })));
    await Promise.all(stores.map((store) => store.put(segment)));
    expect(await stores[0]?.stat(cidOf(segment))).toEqual({ cid: cidOf(segment), sizeBytes: segment.length });
    await plain.send(new DeleteObjectCommand({ Bucket: bucket, Key: cidOf(segment) }));
  });

  test('one that is away at the start is waited for by the first call', async () => {
    proxy.plan('reset', 1000);
    const store = await open({ bucket: 'late', deadlineMs: 500 });
    proxy.heal();
    expect((await store.put(segment)).sizeBytes).toBe(segment.length);
  });
});
