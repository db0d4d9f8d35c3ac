import { Database, PostgresAggregateStore } from '#adapters/postgres';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { CommandExecutor } from '#runtime';
import { rest, type Transport } from '#sdk';
import { grpc } from '#sdk/grpc';
import { runMigrations } from '#migrations';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyIssuer } from '../apps/gateway/access/key-issuer.ts';
import type { Bench, BenchContext } from './harness/index.ts';
import { publishAllByGrpc } from './publish/grpc-load.ts';
import { measureDirect } from './publish/kafka-direct.ts';
import { publishAll } from './publish/load.ts';
import { sdkRate } from './publish/sdk-load.ts';
import { startServer, type ServerProcess } from './publish/server-process.ts';

const goal = 15_000;
const grpcGoal = 30_000;
const sdkGoals = { rest: 15_000, grpc: 30_000, kafka: 60_000 } as const;

async function publisherKey(databaseUrl: string): Promise<string> {
  const database = new Database({ url: databaseUrl });
  const clock = new SystemClock();
  const commands = new CommandExecutor({ aggregates: new PostgresAggregateStore(database), clock, ids: new UuidV7IdSource(), source: '/bench' });
  const grant = { name: 'bench', scopes: ['publish'] as const, tenant: 'default', contexts: null, expiresAtMs: 0, ratePerMinute: 1_000_000 };
  const { key } = await new KeyIssuer(commands, clock).issue(grant, { actor: 'system:bench', correlationId: 'bench' });
  await database.close();
  return key;
}

/** One measured server: events a second, and what it took of its core. */
async function measure(
  server: ServerProcess,
  authorization: string,
  context: BenchContext,
  batch: number,
  byGrpc = false,
): Promise<{ rate: number; cpu: number }> {
  const calls = Math.ceil((context.quick ? 20_000 : 60_000) / batch);
  const init = { url: byGrpc ? server.grpc : `${server.url}/api/v1/events`, authorization, batch, connections: 8 };
  const publish = byGrpc ? publishAllByGrpc : publishAll;
  await publish({ ...init, calls: Math.ceil(4_000 / batch) });
  const before = server.cpuSeconds();
  const started = performance.now();
  await publish({ ...init, calls });
  const seconds = (performance.now() - started) / 1000;
  return { rate: (calls * batch) / seconds, cpu: ((server.cpuSeconds() - before) / seconds) * 100 };
}

/** The same gateway, through the SDK's publisher: it composes and checks each event, too. */
async function measureSdk(context: BenchContext, gateway: ServerProcess, key: string, peer: number): Promise<void> {
  const ways = { rest: rest({ url: gateway.url, key }), grpc: grpc({ address: gateway.grpc, key }) };
  for (const [name, transport] of Object.entries(ways) as Array<['rest' | 'grpc', Transport]>) {
    await sdkRate(transport, 4_000);
    const before = gateway.cpuSeconds();
    const count = context.quick ? 40_000 : 150_000;
    const { rate, cpu } = await sdkRate(transport, count);
    const seconds = gateway.cpuSeconds() - before;
    context.row(`SDK by ${name}`, 1_000, rate, (seconds * rate * 100) / count, count / seconds, cpu);
    context.bar(`publish.sdk.${name}`, rate, '1/s', `>= ${sdkGoals[name]}`, rate >= sdkGoals[name], peer);
    await transport.close();
  }
  const direct = await measureDirect(context.quick ? 50_000 : 200_000);
  for (const { name, rate, cpu } of [direct.sdk, direct.bytes, ...direct.others]) context.row(name, 1_000, rate, '', '', cpu);
  context.bar('publish.sdk.kafka', direct.sdk.rate, '1/s', `>= ${sdkGoals.kafka}`, direct.sdk.rate >= sdkGoals.kafka, direct.bytes.rate);
}

/** Publishing by REST and gRPC in batches: the gateway, checked and idempotent, beside a server that only appends. */
export const bench: Bench = {
  name: 'publish',
  summary: 'Events published by REST and gRPC, by the SDK over REST, gRPC and straight to Kafka, beside fastify that appends what it gets, and bare producers',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-publish-'));
    const postgres = await temporaryPostgres();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    stack.defer(() => postgres.stop());
    await runMigrations(postgres.url);
    const authorization = `Bearer ${await publisherKey(postgres.url)}`;
    const env = { STREAMS_DATA_DIR: folder, DATABASE_URL: postgres.url, GATEWAY_PORT: '0', GRPC_PORT: '0', STREAMS_HOST: '127.0.0.1' };
    const gateway = stack.use(await startServer('apps/gateway/main.js', env));
    const bare = stack.use(await startServer('bench/publish/bare-server.js', {}, join(folder, 'bare.sqlite')));
    context.row('server', 'events a call', 'events/s', 'server, % of a core', 'events a CPU second', 'client, % of a core');
    let appendAlone = 0;
    for (const batch of [500, 100]) {
      const peer = await measure(bare, '', context, batch);
      const ours = await measure(gateway, authorization, context, batch);
      context.row('fastify, append alone', batch, peer.rate, peer.cpu, (peer.rate * 100) / peer.cpu, '');
      const grpc = await measure(gateway, authorization, context, batch, true);
      context.row('gateway, REST', batch, ours.rate, ours.cpu, (ours.rate * 100) / ours.cpu, '');
      context.row('gateway, gRPC', batch, grpc.rate, grpc.cpu, (grpc.rate * 100) / grpc.cpu, '');
      if (batch === 500) context.bar('publish.grpc', grpc.rate, '1/s', `>= ${grpcGoal}`, grpc.rate >= grpcGoal, peer.rate);
      appendAlone = Math.max(appendAlone, peer.rate);
      if (batch === 500) context.bar('publish.rest', ours.rate, '1/s', `>= ${goal}`, ours.rate >= goal, peer.rate);
    }
    await measureSdk(context, gateway, authorization.slice('Bearer '.length), appendAlone);
  },
};
