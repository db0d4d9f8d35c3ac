export { SystemClock } from './system-clock.adapter.ts';
export { UuidV7IdSource } from './uuid-v7-id-source.adapter.ts';
