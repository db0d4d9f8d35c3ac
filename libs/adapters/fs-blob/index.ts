export { FsBlobStore, type FsBlobStoreInit } from './fs-blob-store.adapter.ts';
