export { ManualClock } from './manual-clock.adapter.ts';
export { MemoryAggregateStore } from './memory-aggregate-store.adapter.ts';
export { MemoryBlobStore } from './memory-blob-store.adapter.ts';
export { MemoryEventLog } from './memory-event-log.adapter.ts';
export { MemoryLeaseStore } from './memory-lease-store.adapter.ts';
export { MemoryOutbox } from './memory-outbox.adapter.ts';
export { MemoryProjectionStore } from './memory-projection-store.adapter.ts';
export { MemoryReadStore } from './memory-read-store.adapter.ts';
