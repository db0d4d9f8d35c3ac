import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { runMigrations } from '#migrations';
import { allMetrics, pause } from '#runtime';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SseClient } from '../../../apps/gateway/testing/sse-client.ts';
import { descendantsOf } from '../../constellation/process-tree.ts';
import { OtlpReceiver, type ReceivedSpan } from './otlp-traces.ts';
import { WatchedApp } from './watched-app.ts';

/** The gateway, the projector and an edge as they are deployed, watched by a collector, a StatsD server and a scraper. */
let postgres: TemporaryPostgres;
let folder: string;
let receiver: OtlpReceiver;
let statsd: Socket;
const datagrams: string[] = [];
let apps: Readonly<Record<'gateway' | 'projector' | 'edge', WatchedApp>>;
let key: string;
let base: string;

beforeAll(async () => {
  postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  folder = await mkdtemp(join(tmpdir(), 'streams-telemetry-'));
  receiver = await OtlpReceiver.listen();
  statsd = createSocket('udp4').on('message', (message) => datagrams.push(...message.toString().split('\n')));
  await new Promise<void>((resolve) => statsd.bind(0, '127.0.0.1', resolve));
  const shared = {
    DATABASE_URL: postgres.url,
    STREAMS_DATA_DIR: folder,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    OTEL_SEMCONV_STABILITY_OPT_IN: 'messaging',
    STATSD_HOST: '127.0.0.1',
    STATSD_PORT: String(statsd.address().port),
    STATSD_PREFIX: 'test.',
    STATSD_TAGS: 'site:here',
    STATSD_INTERVAL_MS: '300',
    HEALTH_STALL_MS: '1500',
  };
  const [gateway, projector] = await Promise.all([
    WatchedApp.start('gateway', { ...shared, GATEWAY_PORT: '0', GRPC_PORT: '0' }),
    WatchedApp.start('projector', shared),
  ]);
  base = String(gateway.ready['url']);
  const edge = await WatchedApp.start('edge', { ...shared, EDGE_PORT: '0', EDGE_ORIGIN_URL: base });
  apps = { gateway, projector, edge };
  const program = new URL('../../../apps/gateway/mint-key.main.js', import.meta.url).pathname;
  const minted = execFileSync(process.execPath, ['--no-warnings', program, '--first-admin'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
    encoding: 'utf8',
  });
  key = (JSON.parse(minted) as { key: string }).key;
}, 120_000);

afterAll(async () => {
  await Promise.all(Object.values(apps).map((app) => app.stop()));
  statsd.close();
  receiver.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function until<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const found = await find();
    if (found !== undefined) return found;
    await pause(50);
  }
  throw new Error(`waited in vain until ${find}`);
}

async function startStream(headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(`${base}/api/v1/stream/start`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ name: 'watched' }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

describe('traces', () => {
  test('one command is one connected trace: gateway, relay, projector, live push', async () => {
    const reader = new SseClient();
    expect(await reader.open(base, '/api/v1/events/live?from=now&context=stream', { authorization: `Bearer ${key}` })).toBe(200);
    await reader.begun();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const streamId = await startStream({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    await reader.until(1);
    reader.close();

    const ofTrace = (): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);
    const wanted = [
      'gateway POST /api/v1/stream/start',
      'gateway stream CreateStream',
      'gateway commit stream',
      'projector send stream',
      'projector process stream',
      'gateway push stream',
    ];
    const names = (): readonly string[] => ofTrace().map(({ service, name }) => `${service} ${name}`);
    await until(() => (wanted.every((one) => names().includes(one)) ? true : undefined));

    const spans = ofTrace();
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const rootless = spans.filter(({ parentSpanId }) => !byId.has(parentSpanId));
    expect(rootless.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([['POST /api/v1/stream/start', '00f067aa0ba902b7']]);

    const event = reader.messages.find((message) => message.event.subject === streamId)?.event as { traceparent: string };
    const command = spans.find(({ name }) => name === 'stream CreateStream');
    expect(event.traceparent).toBe(`00-${traceId}-${command?.spanId}-01`);
    const steps = spans.filter(({ name }) => /^(send|process|push) stream$/.test(name));
    expect(new Set(steps.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([command?.spanId]));
    expect(steps.find(({ name }) => name === 'send stream')).toMatchObject({ kind: 4, attributes: { 'messaging.operation.type': 'send' } });
    expect(steps.find(({ name }) => name === 'process stream')).toMatchObject({
      kind: 5,
      attributes: { 'messaging.consumer.group.name': expect.any(String) as never },
    });
    expect(spans.map(({ status }) => status)).not.toContain(2);
  }, 60_000);

  test('each step in the trace of an event is linked to its batch, and the batch to it', async () => {
    const step = await until(() => receiver.spans.find((span) => span.name === 'send stream' && span.parentSpanId !== ''));
    const batch = await until(() => receiver.spans.find((span) => span.spanId === step.links[0]?.spanId));
    expect(batch).toMatchObject({ name: 'send stream', parentSpanId: '', service: 'projector' });
    expect(batch.links).toContainEqual({ traceId: step.traceId, spanId: step.parentSpanId });
  });

  test('go through gRPC, too: a call belongs to the trace that its metadata names', async () => {
    const traceId = 'aaf92f3577b34da6a3ce929d0e0e4736';
    const metadata = new Metadata();
    metadata.set('traceparent', `00-${traceId}-00f067aa0ba902b7-01`);
    const client = new Client(`127.0.0.1:${String(apps.gateway.ready['grpcPort'])}`, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), metadata, (error) => (error === null ? resolve() : reject(error)));
    });
    client.close();
    const span = await until(() => receiver.spans.find((one) => one.traceId === traceId));
    expect(span).toMatchObject({ name: 'grpc.health.v1.Health/Check', kind: 2, parentSpanId: '00f067aa0ba902b7', attributes: { 'rpc.grpc.status_code': '0' } });
    expect((await apps.gateway.ask('/metrics')).text).toContain('streams_grpc_calls_total{method="grpc.health.v1.Health/Check",code="OK"} 1\n');
  }, 60_000);

  test('go with the headers that the standard variable asks for', () => {
    expect(receiver.headers[0]).toMatchObject({ 'x-tenant': 'acme' });
  });
});

describe('metrics', () => {
  test.each(['gateway', 'projector', 'edge'] as const)('of the %s are those of docs/METRICS.md, all of them and no other', async (name) => {
    const { status, text } = await apps[name].ask('/metrics');
    expect(status).toBe(200);
    const shown = [...text.matchAll(/^# TYPE (streams_\S+) (\S+)$/gm)].map(([, metric, kind]) => `${metric} ${kind}`);
    expect(shown.sort()).toEqual(
      allMetrics
        .filter(({ apps: of }) => of.includes(name))
        .map((metric) => `${metric.name} ${metric.kind}`)
        .sort(),
    );
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  test('tell what was done, and no label holds an id', async () => {
    const streamId = await startStream();
    const gateway = (await apps.gateway.ask('/metrics')).text;
    expect(gateway).toMatch(/streams_http_requests_total\{route="\/api\/v1\/stream\/start",method="POST",status="201"\} [1-9]/);
    expect(gateway).toMatch(/streams_commands_total\{context="stream",command="CreateStream",outcome="accepted"\} [1-9]/);
    expect(gateway).toMatch(/streams_live_events_total\{transport="sse"\} [1-9]/);
    expect(gateway).toMatch(/streams_database_connections\{state="total"\} [1-9]/);
    const projector = await until(async () => {
      const { text } = await apps.projector.ask('/metrics');
      const lags = [...text.matchAll(/^streams_consumer_lag_events\{.*\} (\d+)$/gm)].map(([, lag]) => Number(lag));
      return lags.length > 0 && lags.every((lag) => lag === 0) && /streams_outbox_rows 0\n/.test(text) ? text : undefined;
    });
    expect(projector).toMatch(/streams_consumer_commits_total\{projection="streams",outcome="committed"\} [1-9]/);
    expect(projector).toMatch(/streams_log_append_records_total\{topic="stream"\} [1-9]/);
    expect(projector).toMatch(/streams_leases_held\{family="consumer"\} [1-9]/);
    expect(gateway + projector).not.toContain(streamId);
  }, 60_000);

  test('go to StatsD under their prefix and tags: counters as what was added, gauges as they are, durations in ms', async () => {
    const line = (pattern: RegExp): Promise<string> => until(() => datagrams.find((one) => pattern.test(one)));
    await startStream();
    expect(await line(/^test\.commands_total:1\|c\|#/)).toMatch(/site:here/);
    expect(await line(/^test\.http_request_seconds:[\d.]+\|ms\|#/)).toMatch(/app:gateway/);
    expect(await line(/^test\.outbox_rows:\d+\|g\|#/)).toMatch(/app:projector/);
    const created = (): number =>
      datagrams.filter((one) => /^test\.commands_total:.*command:CreateStream/.test(one)).reduce((sum, one) => sum + Number(/:(\d+)\|c/.exec(one)?.[1]), 0);
    await until(() => (created() >= 3 ? true : undefined));
    // Counted once, not again at every round.
    const rounds = (): number => datagrams.filter((one) => one.startsWith('test.outbox_rows')).length;
    const seen = rounds();
    await until(() => (rounds() > seen + 2 ? true : undefined));
    expect(created()).toBe(3);
  }, 60_000);
});

describe('health', () => {
  const all = ['gateway', 'projector', 'edge'] as const;

  test.each(all)('of the %s is well and ready, at its own port too where it has one', async (name) => {
    await until(async () => ((await apps[name].ask('/readyz')).status === 200 ? true : undefined));
    expect(JSON.parse((await apps[name].ask('/healthz')).text)).toMatchObject({ status: 'ok', app: name, problems: [] });
    const own = name === 'gateway' ? base : name === 'edge' ? `http://127.0.0.1:${String(apps.edge.ready['port'])}` : undefined;
    if (own === undefined) return;
    for (const path of ['/healthz', '/readyz']) expect((await fetch(own + path)).status).toBe(200);
    // What goes on inside is for watchers, not for everybody.
    expect(await (await fetch(`${own}/metrics`)).text()).not.toContain('# TYPE');
  });

  test('a database that does not answer is seen: what stands still, and that it is not ready; and it passes', async () => {
    const servers = descendantsOf(process.pid).filter(({ commandLine }) => /postgres/.test(commandLine));
    expect(servers.length).toBeGreaterThan(1);
    for (const { pid } of servers) process.kill(pid, 'SIGSTOP');
    try {
      const sick = await until(async () => {
        const health = await apps.projector.ask('/healthz');
        return health.status === 503 ? health.text : undefined;
      });
      expect(JSON.parse(sick)).toMatchObject({
        status: 'failing',
        problems: expect.arrayContaining([expect.stringMatching(/has stood still (for|on) /)]) as never,
      });
      for (const app of [apps.gateway, apps.projector]) {
        const { status, text } = await app.ask('/readyz');
        expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ problems: [expect.stringMatching(/^database: /)] })]);
      }
      // Liveness is about the process: the gateway has no loop that waits for the database.
      expect((await apps.gateway.ask('/healthz')).status).toBe(200);
    } finally {
      for (const { pid } of servers) process.kill(pid, 'SIGCONT');
    }
    for (const name of ['gateway', 'projector'] as const) {
      await until(async () => ((await apps[name].ask('/healthz')).status === 200 && (await apps[name].ask('/readyz')).status === 200 ? true : undefined));
    }
  }, 120_000);
});
