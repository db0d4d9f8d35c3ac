export { evictAboveShare, noSlot, type EvictionIndex, type EvictionInit } from './eviction-index.ts';
export { LruIndex } from './lru.core.ts';
export { SieveIndex } from './sieve.core.ts';
