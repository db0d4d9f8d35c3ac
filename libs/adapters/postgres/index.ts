export { databaseError } from './database-errors.ts';
export { Database, type DatabaseInit, type Statement, type TextResult, type TextRow } from './database.ts';
export { PostgresAggregateStore } from './postgres-aggregate-store.adapter.ts';
export { PostgresLeaseStore } from './postgres-lease-store.adapter.ts';
export { PostgresOutbox } from './postgres-outbox.adapter.ts';
export { PostgresProjectionStore } from './postgres-projection-store.adapter.ts';
export { PostgresPublicationStore } from './postgres-publication-store.adapter.ts';
export { PostgresReadStore } from './postgres-read-store.adapter.ts';
export { PostgresSecretStore } from './postgres-secret-store.adapter.ts';
