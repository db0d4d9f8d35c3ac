/** @needs java maven */
import { afterAll, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { contexts, topicPartitions, type LogRecord } from '#events';
import type { EventLog } from '#ports';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaStartTimeoutMs, sharedKafka } from '../../test/constellation/kafka/index.ts';
import { EventService, StartAt, type SubscribeResponse } from './grpc/generated/streams/v1/event_service_pb.ts';
import { GrpcClient } from './testing/grpc-client.ts';

jest.setTimeout(kafkaStartTimeoutMs);

const closing: Array<() => Promise<unknown>> = [];

afterAll(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

interface GatewayProcess {
  readonly grpc: string;
  readonly authorization: string;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

async function startProcess(args: readonly string[]): Promise<GatewayProcess> {
  const program = join(import.meta.dirname, 'testing', 'live-gateway.main.js');
  const child = spawn(process.execPath, ['--no-warnings', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const facts = await new Promise<{ grpc: string; authorization: string }>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { grpc?: string; authorization: string };
      // Other lines are its log.
      if (said.grpc !== undefined) resolve({ ...said, grpc: said.grpc });
    });
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  closing.push(kill);
  return { ...facts, kill };
}

function record(n: number): LogRecord {
  const headers = { ce_specversion: '1.0', ce_id: `e-${n}`, ce_source: '/test', ce_type: 'cache.counted', ce_subject: `s-${n % 40}` };
  return { key: `s-${n % 40}`, headers, value: JSON.stringify({ n }) };
}

const eventsOf = (messages: readonly SubscribeResponse[]): SubscribeResponse['events'] => messages.flatMap(({ events }) => events);

/** One reader, whose gateway is killed again and again while somebody writes; each time it goes on at another gateway. */
async function readOverKills(log: EventLog, args: readonly string[], kills: number): Promise<{ seen: SubscribeResponse['events']; written: number }> {
  let written = 0;
  let writing = true;
  const writer = (async () => {
    while (writing) {
      await log.append('cache', [record(written), record(written + 1), record(written + 2)]);
      written += 3;
      await sleep(2);
    }
  })();
  closing.push(() => ((writing = false), writer));
  const seen: SubscribeResponse['events'] = [];
  let token = '';
  let next = startProcess(args);
  for (let round = 0; round <= kills; round++) {
    const gateway = await next;
    if (round < kills) next = startProcess(args);
    const client = new GrpcClient(gateway.grpc, gateway.authorization);
    const start = token === '' ? ({ case: 'at', value: StartAt.BEGINNING } as const) : ({ case: 'token', value: token } as const);
    const reading = client.serverStream(EventService.method.subscribe, { filter: { contexts: ['cache'] }, start, batchEventsMax: 20 });
    if (round === kills) {
      writing = false;
      await writer;
      await reading.until((messages) => seen.length + eventsOf(messages).length >= written);
    } else {
      // In the middle of history at first, then also while it follows.
      await reading.until((messages) => eventsOf(messages).length >= 60 * (round + 1));
    }
    await gateway.kill();
    await reading.ended;
    seen.push(...eventsOf(reading.messages));
    token = reading.messages.at(-1)?.token ?? token;
    client.close();
  }
  return { seen, written };
}

function expectEachOnceInOrder(seen: SubscribeResponse['events'], written: number): void {
  expect(seen.map(({ id }) => id).toSorted()).toEqual(Array.from({ length: written }, (_, n) => `e-${n}`).toSorted());
  const last = new Map<unknown, bigint>();
  for (const { attributes } of seen) {
    const partition = attributes['partition']?.attr.value;
    const offset = BigInt(attributes['offset']?.attr.value as string);
    expect(offset).toBeGreaterThan(last.get(partition) ?? -1n);
    last.set(partition, offset);
  }
}

async function prepared<Log extends EventLog>(log: Log): Promise<Log> {
  closing.push(() => log.close());
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  return log;
}

test('the embedded log: gateways are killed, and a reader goes on at the next one without a gap or a double', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-kill-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'events.sqlite');
  const { seen, written } = await readOverKills(await prepared(new SqliteEventLog({ path }, { clock: new SystemClock() })), ['embedded', path], 4);
  expectEachOnceInOrder(seen, written);
});

test('Kafka: gateways are killed, and a reader goes on at the next one without a gap or a double', async () => {
  const kafka = await sharedKafka();
  closing.push(() => kafka.stop());
  const topicPrefix = `${kafka.env['KAFKA_TOPIC_PREFIX']}kill-`;
  const log = await prepared(new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'kill', topicPrefix }));
  const { seen, written } = await readOverKills(log, ['kafka', kafka.address, topicPrefix], 4);
  expectEachOnceInOrder(seen, written);
});
