export { guardConfig } from './guard.config.ts';
export { EmbeddedPostgres, type EmbeddedPostgresInit } from './embedded-postgres.ts';
export { runningPostgres } from './running-postgres.ts';
export { temporaryPostgres, type TemporaryPostgres } from './temporary-postgres.ts';
