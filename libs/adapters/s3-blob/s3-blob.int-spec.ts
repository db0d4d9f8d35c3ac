/** @needs s3 */
import { afterAll, beforeAll } from '@jest/globals';
import { blobStoreConformance } from '#ports/conformance';
import { type S3Engine, startS3 } from '../../../test/constellation/engines/index.ts';
import { S3BlobStore } from './s3-blob-store.adapter.ts';

let engine: S3Engine;
beforeAll(async () => {
  engine = await startS3();
});
afterAll(() => engine.stop());

blobStoreConformance('S3BlobStore', async () => {
  const { endpoint, bucket, accessKeyId, secretAccessKey } = engine;
  const store = await S3BlobStore.open({
    endpoint,
    bucket,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    prefix: 'blobs/',
    partBytes: 5_242_880,
  });
  return { port: store, elapse: async () => {}, dispose: async () => store.close() };
});
