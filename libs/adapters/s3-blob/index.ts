export { removeBlobs } from './remove-blobs.ts';
export { S3BlobStore } from './s3-blob-store.adapter.ts';
export type { S3BlobStoreInit } from './s3-place.ts';
