export { SqliteEventLog, type SqliteEventLogDeps, type SqliteEventLogInit } from './sqlite-event-log.adapter.ts';
