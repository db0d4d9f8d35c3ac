import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contentPublished, contentWithdrawn } from '#events';
import { intakeLimits } from '#runtime';
import fc from 'fast-check';
import { EventService, type PublishOutcome } from './grpc/generated/streams/v1/event_service_pb.ts';
import { QueryService } from './grpc/generated/streams/v1/query_service_pb.ts';
import { WatchService } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient, type Ended } from './testing/grpc-client.ts';
import { ask } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let client: GrpcClient;
let admin: string;

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  admin = (await world.key(['admin'])).authorization;
  client = new GrpcClient(gateway.grpc, (await world.key(['publish'])).authorization);
});

afterAll(async () => {
  client.close();
  await gateway.stop();
  await world.close();
});

const { publish, publishStream, subscribe, subscribeWithCredit, getCatalogue } = EventService.method;
const sample = contentPublished.samples[0] as Record<string, unknown>;

function event(id: string, data: object = {}, type: string = contentPublished.type) {
  return { id, specVersion: '1.0', source: '/cms', type, data: { case: 'textData', value: JSON.stringify({ ...sample, contentId: id, ...data }) } } as const;
}

const failed = (call: Promise<unknown>): Promise<Ended> =>
  call.then(
    () => Promise.reject(new Error('it was accepted')),
    (ended: Ended) => ended,
  );

async function stored(id: string): Promise<number> {
  let count = 0;
  for (const { partition } of await world.engines.log.heads('content')) {
    const { records } = await world.engines.log.read('content', partition, 0n, { recordsMax: 5000, bytesMax: 1e8, waitMs: 0 });
    count += records.filter(({ headers }) => headers['ce_id'] === id).length;
  }
  return count;
}

const caseOf = ({ outcome }: PublishOutcome): string | undefined => outcome.case;

describe('Publish', () => {
  test('events are on the log when they are answered, once however often they are sent, by gRPC or REST', async () => {
    const answer = await client.unary(publish, { events: [event('g-1'), event('g-2')] });
    expect(answer.outcomes.map(({ id, outcome }) => [id, outcome.case, outcome.value])).toEqual([
      ['g-1', 'accepted', expect.objectContaining({ context: 'content', duplicate: false })],
      ['g-2', 'accepted', expect.objectContaining({ context: 'content', duplicate: false })],
    ]);
    const again = await client.unary(publish, { events: [event('g-1')] });
    expect(again.outcomes[0]?.outcome).toMatchObject({ case: 'accepted', value: { ...answer.outcomes[0]?.outcome.value, duplicate: true } });
    const { json } = await ask(gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { authorization: admin, 'content-type': 'application/cloudevents+json' },
      body: { specversion: '1.0', id: 'g-2', source: '/cms', type: contentPublished.type, data: { ...sample, contentId: 'g-2' } },
    });
    expect(json.events).toEqual([expect.objectContaining({ id: 'g-2', duplicate: true })]);
    expect([await stored('g-1'), await stored('g-2')]).toEqual([1, 1]);
  });

  test('with one that is refused nothing of a batch is written, and each fault is named', async () => {
    const ended = await failed(client.unary(publish, { events: [event('h-1'), event('h-2', { title: 7 }), event('h-3', {}, 'no.such')] }));
    expect([ended.code, ended.fields]).toEqual(['INVALID_ARGUMENT', ['events[1].data.title', 'events[2].type']]);
    expect(await stored('h-1')).toBe(0);
    const answer = await client.unary(publish, { events: [event('h-1'), event('h-2', { title: 7 })], independent: true });
    expect(answer.outcomes.map(caseOf)).toEqual(['accepted', 'rejected']);
    expect(answer.outcomes[1]?.outcome.value).toMatchObject({ code: 'EVENT_DATA_INVALID', field: 'data.title' });
  });

  test('the same id with other content, too many, data that is no JSON, and who may not publish', async () => {
    await client.unary(publish, { events: [event('i-1')] });
    expect((await failed(client.unary(publish, { events: [event('i-1', { title: 'other' })] }))).code).toBe('ALREADY_EXISTS');
    const many = Array.from({ length: intakeLimits.eventsMax + 1 }, (_, at) => event(`many-${at}`));
    expect((await failed(client.unary(publish, { events: many }))).reason).toBe('TOO_MANY_EVENTS');
    const broken = { ...event('i-2'), data: { case: 'binaryData', value: Buffer.from('{oops') } } as const;
    expect((await failed(client.unary(publish, { events: [broken] }))).code).toBe('INVALID_ARGUMENT');
    const viewer = new GrpcClient(gateway.grpc, (await world.key(['view'])).authorization);
    expect((await failed(viewer.unary(publish, { events: [event('i-3')] }))).code).toBe('PERMISSION_DENIED');
    viewer.close();
  });
});

describe('PublishStream', () => {
  test('answers each message in order, each event for itself', async () => {
    const call = client.bidi(publishStream);
    for (let at = 0; at < 40; at++) call.write({ events: [event(`s-${at}`), event(`t-${at}`, at % 10 === 0 ? { title: 1 } : {})] });
    call.end();
    const { code } = await call.ended;
    expect(code).toBe('OK');
    expect(call.messages.map(({ outcomes }) => outcomes[0]?.id)).toEqual(Array.from({ length: 40 }, (_, at) => `s-${at}`));
    expect(call.messages.map(({ outcomes }) => outcomes.map(caseOf).join())).toEqual(
      Array.from({ length: 40 }, (_, at) => (at % 10 === 0 ? 'accepted,rejected' : 'accepted,accepted')),
    );
  });

  test('an answer comes while the stream stays open; a server that stops says so', async () => {
    const own = await startGateway(world.engines, world.consolePath);
    const other = new GrpcClient(own.grpc, admin);
    const call = other.bidi(publishStream);
    call.write({ events: [event('open-1')] });
    await call.until((messages) => messages.length === 1);
    await own.stop();
    expect((await call.ended).code).toBe('UNAVAILABLE');
    other.close();
    expect(await stored('open-1')).toBe(1);
  });

  test('a message that is none ends it, after the answers before it', async () => {
    const call = client.bidi(publishStream);
    call.write({ events: [event('before')] });
    call.write(Buffer.from([0xff]));
    const { code, reason } = await call.ended;
    expect([code, reason, call.messages.length]).toEqual(['INVALID_ARGUMENT', 'MALFORMED_MESSAGE', 1]);
  });
});

describe('whatever is sent', () => {
  const methods = [publish, getCatalogue, ...Object.values(QueryService.method)];
  const streams = [subscribe, WatchService.method.watch];
  const bidis = [publishStream, subscribeWithCredit];
  /** Random bytes, and fields of random numbers with random contents, which parse more often. */
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 20 })), { maxLength: 5 })
      .map((fields) => Uint8Array.from(fields.flatMap(([number, content]) => [number * 8 + 2, content.length, ...content]))),
    fc.string({ maxLength: 30 }).map((text) => Uint8Array.from([10, Buffer.byteLength(text), ...Buffer.from(text)])),
  );

  test('to a unary method: an answer or the client’s fault, never ours', async () => {
    const everything = new GrpcClient(gateway.grpc, admin);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), bytes, async (method, message) => {
        const code = await everything.unary(method, Buffer.from(message)).then(
          () => 'OK',
          (ended: Ended) => ended.code,
        );
        expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS']).toContain(code);
      }),
      { numRuns: 300 },
    );
    everything.close();
  });

  test('to a stream: messages or the client’s fault', async () => {
    const everything = new GrpcClient(gateway.grpc, admin);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...streams), bytes, async (method, message) => {
        const reading = everything.serverStream(method, Buffer.from(message));
        await reading.until((messages) => messages.length > 0);
        reading.cancel();
        expect(['CANCELLED', 'INVALID_ARGUMENT', 'NOT_FOUND']).toContain((await reading.ended).code);
      }),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bidis), fc.array(bytes, { minLength: 1, maxLength: 3 }), async (method, messages) => {
        const call = everything.bidi(method);
        for (const message of messages) call.write(Buffer.from(message));
        await call.until((answers) => answers.length > 0);
        call.cancel();
        expect(['OK', 'CANCELLED', 'INVALID_ARGUMENT']).toContain((await call.ended).code);
      }),
      { numRuns: 100 },
    );
    everything.close();
  });

  test('and the gateway serves on', async () => {
    expect((await client.unary(publish, { events: [event('after', {}, contentWithdrawn.type), event('after-2')], independent: true })).outcomes).toHaveLength(
      2,
    );
  });
});
