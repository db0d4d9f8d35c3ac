import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import { CommandExecutor } from '#runtime';
import { KeyIssuer } from '../../apps/gateway/access/key-issuer.ts';
import { memoryEngines, startGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { keepHeapYoung } from '../../apps/gateway/young-heap.ts';

/** A gateway on the log at the path given, as a process of its own; everything else that it stands on is in memory. */
keepHeapYoung();
const [path = ''] = process.argv.slice(2);
const clock = new SystemClock();
const log = new SqliteEventLog({ path }, { clock });
for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
const engines = { ...memoryEngines(), log };
const issuer = new KeyIssuer(new CommandExecutor({ aggregates: engines.aggregates, clock, ids: new UuidV7IdSource(), source: '/bench' }), clock);
const { key } = await issuer.issue(
  { name: 'bench', scopes: ['admin'], tenant: 'default', contexts: null, ratePerMinute: null, expiresAtMs: 0 },
  { actor: 'system:bench', correlationId: 'bench' },
);
const gateway = await startGateway(engines, '/nowhere');
process.stdout.write(`${JSON.stringify({ url: gateway.url, grpc: gateway.grpc, authorization: `Bearer ${key}` })}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
