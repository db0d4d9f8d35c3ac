import { UuidV7IdSource } from '#adapters/system';
import { contentPublished } from '#events';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { EventService, PublishRequestSchema } from '../../apps/gateway/grpc/generated/streams/v1/event_service_pb.ts';
import type { LoadInit } from './load.ts';

const ids = new UuidV7IdSource();
const sample = contentPublished.samples[0] as object;
const same = (bytes: Buffer): Buffer => bytes;

/** The events of the load by REST, in the protobuf format. */
function requestOf(batch: number, call: number): Buffer {
  const events = Array.from({ length: batch }, (_, at) => {
    const number = call * batch + at;
    const data = { ...sample, contentId: `c-${number % 9973}`, title: `A title of some length, number ${number}` };
    const time = { attr: { case: 'ceTimestamp', value: timestampFromMs(Date.now()) } } as const;
    const text = { case: 'textData', value: JSON.stringify(data) } as const;
    return { id: ids.next(), type: contentPublished.type, source: '/bench/cms', specVersion: '1.0', attributes: { time }, data: text };
  });
  return Buffer.from(toBinary(PublishRequestSchema, create(PublishRequestSchema, { events })));
}

/** Publishes all calls by `Publish`, so many at a time on one connection. @throws the first refusal */
export async function publishAllByGrpc({ url, authorization, batch, calls, connections }: LoadInit): Promise<void> {
  const client = new Client(url, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  const { publish } = EventService.method;
  const path = `/${publish.parent.typeName}/${publish.name}`;
  let next = 0;
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, requestOf(batch, next++), metadata, (error) => (error === null ? resolve() : reject(error)));
    });
  const work = async (): Promise<void> => {
    while (next < calls) await call();
  };
  await Promise.all(Array.from({ length: connections }, work));
  client.close();
}
