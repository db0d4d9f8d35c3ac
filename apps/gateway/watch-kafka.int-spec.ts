/** @needs java maven */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { purgeRequested } from '#events';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../../test/constellation/kafka/index.ts';
import { WatchService, type WatchResponse } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { memoryEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient } from './testing/grpc-client.ts';

jest.setTimeout(kafkaStartTimeoutMs);

let kafka: Kafka;
let world: World;
let authorization: string;
const gateways: RunningGateway[] = [];

beforeAll(async () => {
  kafka = await sharedKafka();
  const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'watch', topicPrefix: `${kafka.env['KAFKA_TOPIC_PREFIX']}watch-` });
  world = await World.open({ ...memoryEngines(), log });
  ({ authorization } = await world.key(['admin']));
  for (let at = 0; at < 2; at++) gateways.push(await startGateway(world.engines, world.consolePath));
});

afterAll(async () => {
  for (const gateway of gateways) await gateway.stop();
  await world.close();
  await kafka.stop();
});

let made = 0;

/** Each publication is a transaction, whose end takes an offset that no event has. */
async function purge(times: number): Promise<string[]> {
  const ids = Array.from({ length: times }, () => `pg-${'k'.repeat(8)}${String(made++).padStart(4, '0')}`);
  for (const purgeId of ids) {
    await world.facts.publish('cache', [purgeRequested.draft({ purgeId, urls: ['/x'], reason: 'because' })], { producer: { id: 'test', epoch: 1n } });
  }
  return ids;
}

const idsOf = (messages: readonly WatchResponse[]): unknown[] =>
  messages.flatMap(({ rows }) => rows.map(({ row }) => (row.case === 'purge' ? row.value.purgeId : row.case)));
const tokenOf = (messages: readonly WatchResponse[]): string => messages.findLast(({ token }) => token !== '')?.token ?? '';

test('on Kafka: the rows as they are, every change, and after each break, at another gateway, those that changed since', async () => {
  const before = await purge(5);
  await world.settle();
  const clients = gateways.map(({ grpc }) => new GrpcClient(grpc, authorization));
  const where = { row: { case: 'purge', value: {} } } as const;
  const seen = new Set<unknown>();
  const written = [...before];
  let token = '';
  for (let round = 0; round < 5; round++) {
    const reading = (clients[round % 2] as GrpcClient).serverStream(WatchService.method.watch, { where, token });
    const fresh = await purge(6);
    written.push(...fresh);
    await reading.until((messages) => tokenOf(messages) !== '' && fresh.some((id) => idsOf(messages).includes(id)));
    const got = [...reading.messages];
    reading.cancel();
    expect(got.some(({ snapshot }) => snapshot)).toBe(round === 0);
    // What came after the last token may come again, and has to.
    const kept = got.slice(0, got.findLastIndex((message) => message.token !== '') + 1);
    for (const id of idsOf(kept)) seen.add(id);
    token = tokenOf(kept);
    written.push(...(await purge(2)));
  }
  const last = (clients[1] as GrpcClient).serverStream(WatchService.method.watch, { where, token });
  await last.until((messages) => written.every((id) => seen.has(id) || idsOf(messages).includes(id)));
  last.cancel();
  for (const id of idsOf(last.messages)) seen.add(id);
  expect([...seen].toSorted()).toEqual(written.toSorted());
  expect(idsOf(last.messages).length).toBeLessThan(written.length);
  for (const client of clients) client.close();
});
