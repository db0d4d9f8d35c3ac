/** @needs java maven */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { contentPublished } from '#events';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres, type LocalEngine } from '../../test/constellation/engines/index.ts';
import { KafkaCluster, kafkaStartTimeoutMs } from '../../test/constellation/kafka/index.ts';
import { GatewayProcess } from './testing/gateway-process.ts';
import { ask, type Answer } from './testing/http-client.ts';

jest.setTimeout(120_000);

/** More than the index that a broker makes of each partition, less than a minute of publishing. */
const diskBytes = 40_000_000;

let kafka: KafkaCluster;
let postgres: LocalEngine;
let folder: string;
let gateway: GatewayProcess;
let log: KafkaEventLog;
/** Of everything that was answered with 200. */
const acknowledged: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-weather-'));
  [kafka, postgres] = await Promise.all([KafkaCluster.start({ brokers: 1, diskBytes }), startPostgres()]);
  log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'weather' });
  gateway = await GatewayProcess.start({ KAFKA_BROKERS: kafka.address, DATABASE_URL: postgres.url, STREAMS_DATA_DIR: folder });
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await gateway?.stop();
  await log?.close();
  await postgres?.stop();
  await kafka?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Batch {
  readonly ids: readonly string[];
  readonly body: string;
}

/** Events of one key, and so of one partition, that nothing compresses. */
function batchOf(name: string, count: number, bytes: number): Batch {
  const ids = Array.from({ length: count }, (_, n) => `${name}-${n}`);
  const events = ids.map((id) => {
    const data = { ...(contentPublished.samples[0] as object), contentId: 'c', url: `https://origin.example/${randomBytes(bytes).toString('base64url')}` };
    return { specversion: '1.0', id, type: contentPublished.type, source: '/weather', data };
  });
  return { ids, body: JSON.stringify(events) };
}

async function publish({ body, ids }: Batch): Promise<Answer> {
  const headers = { authorization: gateway.authorization, 'content-type': 'application/cloudevents-batch+json' };
  const answer = await ask(gateway.url, '/api/v1/events', { method: 'POST', body, headers });
  if (answer.status === 200) acknowledged.push(...ids);
  return answer;
}

/** As a client should: the same events again, as long as it is asked to wait. Answers the refusals. */
async function publishAtLast(batch: Batch): Promise<readonly Answer[]> {
  const refusals: Answer[] = [];
  for (;;) {
    const answer = await publish(batch);
    if (answer.status === 200) return refusals;
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
    refusals.push(answer);
    await sleep(300);
  }
}

/** How often each id stands on the log. */
async function copies(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { partition, low, high } of await log.heads('content')) {
    for (let from = low; from < high;) {
      const { records, next } = await log.read('content', partition, from, { recordsMax: 5_000, bytesMax: 1e8, waitMs: 0 });
      for (const { headers } of records) counts.set(headers['ce_id'] ?? '', (counts.get(headers['ce_id'] ?? '') ?? 0) + 1);
      from = next;
    }
  }
  return counts;
}

async function expectEachOnce(): Promise<void> {
  const counts = await copies();
  expect(acknowledged.filter((id) => counts.get(id) !== 1)).toEqual([]);
  expect(counts.size).toBe(new Set(acknowledged).size);
}

const warnings = (): string[] => gateway.lines.filter((line) => line.includes('"level":"warn"'));

async function metric(start: string): Promise<number> {
  const text = await (await fetch(`${gateway.metricsUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1) ?? 0,
  );
}

const refused = 'streams_http_requests_total{route="/api/v1/events",method="POST",status="503"}';

describe('publishing by REST in bad weather', () => {
  test('PostgreSQL restarts as after a crash: whoever publishes waits, or is told to, and each event is there once', async () => {
    const until = { isOver: false };
    const publishers = Array.from({ length: 4 }, async (_, publisher) => {
      const refusals: Answer[] = [];
      for (let n = 0; !until.isOver; n++) refusals.push(...(await publishAtLast(batchOf(`pg-${publisher}-${n}`, 5, 100))));
      return refusals;
    });
    await sleep(300);
    await postgres.restart(1500);
    await sleep(300);
    until.isOver = true;
    const refusals = (await Promise.all(publishers)).flat();
    expect(refusals.length).toBeGreaterThan(0);
    expect(await metric(refused)).toBe(refusals.length);
    expect(warnings().join('\n')).toContain('An engine behind this service does not answer');
    await expectEachOnce();
  });

  test('the disk of the only broker is full: refused and told when to come back, nothing acknowledged is lost, and with room it goes on', async () => {
    const before = await metric(refused);
    let lost: Batch | undefined;
    for (let n = 0; lost === undefined; n++) {
      const batch = batchOf(`full-${n}`, 800, 1_400);
      const answer = await publish(batch);
      if (answer.status === 200) continue;
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
      lost = batch;
    }
    expect(await metric(refused)).toBe(before + 1);
    expect(warnings().at(-1)).toMatch(/The event log does not answer/);

    const broker = kafka.brokers[0] as (typeof kafka.brokers)[number];
    await broker.disk?.grow();
    await broker.kill();
    await broker.start();
    await publishAtLast(lost);
    await publish(batchOf('after', 10, 100));
    await expectEachOnce();
  });
});
