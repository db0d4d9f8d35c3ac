import { KafkaEventLog } from '#adapters/kafka-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import { SecretStore, type EventLog } from '#ports';
import { CommandExecutor } from '#runtime';
import { createHash } from 'node:crypto';
import { KeyIssuer } from '../access/key-issuer.ts';
import { keepHeapYoung } from '../young-heap.ts';
import { memoryEngines, startGateway } from './gateway.fixture.ts';

/** The secrets that gateways of one database share. */
class SharedSecrets extends SecretStore {
  override secret(name: string): Promise<Uint8Array> {
    return Promise.resolve(createHash('sha256').update(name).digest());
  }

  override known(name: string): Promise<Uint8Array> {
    return this.secret(name);
  }

  override forget(): Promise<void> {
    return Promise.reject(new Error('These are the same for ever.'));
  }
}

function openLog([engine, where, topicPrefix]: readonly string[]): EventLog {
  if (engine === 'kafka') return new KafkaEventLog({ brokers: (where ?? '').split(','), clientId: 'live-gateway', topicPrefix: topicPrefix ?? '' });
  return new SqliteEventLog({ path: where ?? '' }, { clock: new SystemClock() });
}

/**
 * A gateway as a process of its own, on a log that others write to: `embedded <path>` or `kafka <brokers> <prefix>`. All
 * else that it stands on is in memory. It says where it is and a key in one line, and ends with its input.
 */
export async function liveGateway(args: readonly string[]): Promise<void> {
  keepHeapYoung();
  const log = openLog(args);
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  const engines = { ...memoryEngines(), log, secrets: new SharedSecrets() };
  const { aggregates, clock } = engines;
  const issuer = new KeyIssuer(new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test' }), clock);
  const { key } = await issuer.issue(
    { name: 'test', scopes: ['admin'], tenant: 'default', contexts: null, ratePerMinute: null, expiresAtMs: 0 },
    { actor: 'system:test', correlationId: 'test' },
  );
  const gateway = await startGateway(engines, '/nowhere');
  process.stdout.write(`${JSON.stringify({ url: gateway.url, grpc: gateway.grpc, authorization: `Bearer ${key}` })}\n`);
  process.stdin.on('end', () => process.exit(0)).resume();
}
