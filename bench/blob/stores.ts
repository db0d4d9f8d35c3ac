import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FsBlobStore } from '#adapters/fs-blob';
import { S3BlobStore } from '#adapters/s3-blob';
import { blobCid, type BlobStore } from '#ports';
import { startS3 } from '../../test/constellation/engines/index.ts';

/** What is measured of each store. */
export interface Measured {
  put(bytes: Uint8Array): Promise<string>;
  get(name: string): Promise<number>;
}

export interface Stores extends AsyncDisposable {
  readonly fs: Measured;
  readonly s3: Measured;
  /** The SDK as its manual shows it: a put, a get, no checks of ours. */
  readonly plain: Measured;
}

const measured = (store: BlobStore): Measured => ({
  put: async (bytes) => (await store.put(bytes)).cid,
  get: async (cid) => (await store.read(cid)).length,
});

/** A disk and a real S3 server on this machine, empty. */
export async function openStores(): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-blob-'));
  const engine = await startS3();
  const { endpoint, bucket, accessKeyId, secretAccessKey } = engine;
  const place = { endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } };
  const fs = await FsBlobStore.open({ folder });
  const s3 = await S3BlobStore.open({ ...place, bucket, prefix: '' });
  const client = new S3Client(place);
  return {
    fs: measured(fs),
    s3: measured(s3),
    plain: plainCalls(client, bucket),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      s3.close();
      await engine.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function plainCalls(client: S3Client, Bucket: string): Measured {
  return {
    put: async (Body) => {
      // It has to name its objects, too.
      const Key = `plain/${blobCid(new Uint8Array(await crypto.subtle.digest('SHA-256', Body as Uint8Array<ArrayBuffer>)))}`;
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      return Key;
    },
    get: async (Key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToByteArray())?.length ?? 0;
    },
  };
}
