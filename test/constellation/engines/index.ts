export type { LocalEngine, RunningEngine } from './engine.ts';
export { endingPostgres } from './ending-postgres.ts';
export { startPostgres } from './postgres-engine.ts';
export { startRedis } from './redis-engine.ts';
export { startS3, type S3Engine } from './s3-engine.ts';
