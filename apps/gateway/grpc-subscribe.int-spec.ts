import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contexts, purgeRequested } from '#events';
import { partitionOf } from '#kernel';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Metadata } from '@grpc/grpc-js';
import { EventService, StartAt, type SubscribeResponse } from './grpc/generated/streams/v1/event_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient } from './testing/grpc-client.ts';
import { SseClient } from './testing/sse-client.ts';

let world: World;
let key: { id: string; authorization: string };

beforeAll(async () => {
  world = await World.open();
  key = await world.key(['admin']);
});

afterAll(() => world.close());

const { subscribe, subscribeWithCredit, getCatalogue } = EventService.method;
let made = 0;

async function publish(times: number, urls: string[] = ['/x'], of: World = world): Promise<string[]> {
  const ids = Array.from({ length: times }, () => `pg-${'c'.repeat(8)}${made++}`);
  await of.facts.publish(
    'cache',
    ids.map((purgeId) => purgeRequested.draft({ purgeId, urls, reason: '' })),
    { producer: { id: 'test', epoch: 1n } },
  );
  return ids;
}

/** Something that happens on a gateway, with a client of it. */
async function withGateway(
  work: (client: GrpcClient, gateway: RunningGateway) => Promise<void>,
  init = {},
  of: World = world,
  credential = key,
): Promise<void> {
  await using gateway = await startGateway(of.engines, of.consolePath, init);
  const client = new GrpcClient(gateway.grpc, credential.authorization);
  await work(client, gateway);
  client.close();
}

const eventsOf = (messages: readonly SubscribeResponse[]): SubscribeResponse['events'] => messages.flatMap(({ events }) => events);
const idsOf = (messages: readonly SubscribeResponse[]): string[] => eventsOf(messages).map(({ attributes }) => String(attributes['partitionkey']?.attr.value));
const lastToken = (messages: readonly SubscribeResponse[]): string => messages.at(-1)?.token ?? '';
const tokenOf = (metadata: Metadata): string => String(metadata.get('streams-resume-token')[0]);
const atLeast = (count: number) => (messages: readonly SubscribeResponse[]) => eventsOf(messages).length >= count;

/** The token is that of a reader who has seen everything: whoever goes on with it gets what comes, and nothing before. */
async function expectGoesOn(client: GrpcClient, token: string): Promise<void> {
  const ids = await publish(2);
  const reading = client.serverStream(subscribe, { start: { case: 'token', value: token } });
  const purges = (): SubscribeResponse['events'] => eventsOf(reading.messages).filter(({ type }) => type === purgeRequested.type);
  await reading.until(() => purges().length >= 2);
  reading.cancel();
  expect(
    purges()
      .map(({ attributes }) => attributes['partitionkey']?.attr.value)
      .toSorted(),
  ).toEqual(ids.toSorted());
}

describe('Subscribe', () => {
  test('from the beginning, then what comes, in batches; each partition in the order of the log', async () => {
    const ids = await publish(700);
    await withGateway(async (client) => {
      const reading = client.serverStream(subscribe, { filter: { contexts: ['cache'] }, start: { case: 'at', value: StartAt.BEGINNING }, batchEventsMax: 100 });
      await reading.until(atLeast(700));
      ids.push(...(await publish(5)));
      await reading.until(atLeast(705));
      reading.cancel();
      expect((await reading.ended).code).toBe('CANCELLED');
      expect(idsOf(reading.messages).sort()).toEqual([...ids].sort());
      expect(Math.max(...reading.messages.map(({ events }) => events.length))).toBeLessThanOrEqual(100);
      expect(reading.messages.filter(({ events }) => events.length > 0).at(0)?.live).toBe(false);
      expect(reading.messages.at(-1)?.live).toBe(true);
      const offsets = new Map<unknown, bigint>();
      for (const { attributes } of eventsOf(reading.messages)) {
        const partition = attributes['partition']?.attr.value;
        const offset = BigInt(attributes['offset']?.attr.value as string);
        expect(offset).toBeGreaterThan(offsets.get(partition) ?? -1n);
        offsets.set(partition, offset);
      }
    });
  });

  test('cut anywhere, on one gateway or another, even over SSE: every event once', async () => {
    const ids = await publish(60);
    const first = ids[0] as string;
    await using one = await startGateway(world.engines, world.consolePath);
    await using two = await startGateway(world.engines, world.consolePath);
    const filter = { types: [purgeRequested.type], subjectPrefix: first.slice(0, 11) };
    const seen: string[] = [];
    let token = '';
    for (let round = 0; seen.length < 40; round++) {
      const client = new GrpcClient((round % 2 === 0 ? one : two).grpc, key.authorization);
      const reading = client.serverStream(subscribe, {
        filter,
        start: token === '' ? { case: 'at', value: StartAt.BEGINNING } : { case: 'token', value: token },
        batchEventsMax: 7,
      });
      await reading.until(atLeast(7));
      // What comes after this is lost with the line, as it is when a process dies.
      const got = [...reading.messages];
      client.close();
      reading.cancel();
      seen.push(...idsOf(got));
      token = lastToken(got);
    }
    const browser = new SseClient(token);
    await browser.open(two.url, `/api/v1/events/live?type=${filter.types[0]}&subjectPrefix=${filter.subjectPrefix}`, { authorization: key.authorization });
    const all = await allIds(filter.subjectPrefix);
    await browser.until(all.length - seen.length);
    seen.push(...browser.messages.map(({ event }) => event.partitionkey as string));
    browser.close();
    expect(seen.sort()).toEqual(all.sort());
  });

  test('from a time on', async () => {
    await publish(3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const since = Date.now();
    const ids = await publish(4);
    await withGateway(async (client) => {
      const reading = client.serverStream(subscribe, { filter: { contexts: ['cache'] }, start: { case: 'time', value: timestampFromMs(since) } });
      await reading.until(atLeast(4));
      reading.cancel();
      expect(idsOf(reading.messages).sort()).toEqual(ids.sort());
    });
  });

  test('a filter that nothing fits moves its token on', async () => {
    await withGateway(
      async (client) => {
        const reading = client.serverStream(subscribe, { filter: { subject: 'nobody' } });
        await reading.until((messages) => messages.length > 0);
        const first = lastToken(reading.messages);
        await publish(12);
        await reading.until((messages) => lastToken(messages) !== first);
        expect(eventsOf(reading.messages)).toEqual([]);
        reading.cancel();
      },
      { heartbeatMs: 20 },
    );
  });

  test("one tenant of many: its events alone; of one that is not the caller's, none", async () => {
    const { id } = await world.key(['view'], { tenant: 'acme' });
    const globex = await world.key(['view'], { tenant: 'globex' });
    await world.settle();
    const request = { filter: { tenant: 'acme' }, start: { case: 'at', value: StartAt.BEGINNING } } as const;
    await withGateway(
      async (client, gateway) => {
        const reading = client.serverStream(subscribe, request);
        await reading.until((messages) => idsOf(messages).includes(id));
        reading.cancel();
        expect(new Set(eventsOf(reading.messages).map(({ attributes }) => attributes['tenant']?.attr.value))).toEqual(new Set(['acme']));
        const foreign = new GrpcClient(gateway.grpc, globex.authorization).serverStream(subscribe, request);
        await foreign.until((messages) => messages.length >= 3);
        expect(eventsOf(foreign.messages)).toEqual([]);
        foreign.cancel();
        expect(await client.serverStream(subscribe, { filter: { tenant: 'No Tenant' } }).ended).toMatchObject({ code: 'INVALID_ARGUMENT' });
      },
      { heartbeatMs: 20 },
    );
  });

  test('refuses by name: tokens forged, of another filter and beyond the end; unknown contexts, times and places', async () => {
    const other = await World.open();
    const strangers = new Map<string, string>();
    await withGateway(async (client) => {
      const reading = client.serverStream(subscribe, { filter: { contexts: ['cache'] } });
      await reading.until((messages) => messages.length > 0);
      strangers.set('token', lastToken(reading.messages));
      reading.cancel();
      const token = lastToken(reading.messages);
      const refused = async (
        request: Parameters<typeof client.serverStream<typeof subscribe>>[1],
      ): Promise<[string, string | undefined, readonly string[]]> => {
        const { code, reason, fields } = await client.serverStream(subscribe, request).ended;
        return [code, reason, fields];
      };
      const start = { case: 'token', value: token } as const;
      expect(await refused({ start })).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_OTHER_FILTER', ['token']]);
      expect(await refused({ start: { case: 'token', value: `${token.slice(0, 30)}x${token.slice(31)}` } })).toEqual([
        'INVALID_ARGUMENT',
        'TOKEN_INVALID',
        ['token'],
      ]);
      expect(await refused({ filter: { contexts: ['cache', 'nowhere'] } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['filter.contexts[1]']]);
      expect(await refused(Buffer.from([0x10, 99]))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['at']]);
      expect(await refused({ start: { case: 'time', value: { seconds: 2n ** 62n } } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['time']]);
      expect(await refused(Buffer.from([0xff, 0xff]))).toEqual(['INVALID_ARGUMENT', 'MALFORMED_MESSAGE', []]);
    });
    const shorter = { ...other, engines: { ...other.engines, secrets: world.engines.secrets } } as unknown as World;
    const stranger = await other.key(['admin']);
    await withGateway(
      async (client) => {
        const { code, reason } = await client.serverStream(subscribe, {
          filter: { contexts: ['cache'] },
          start: { case: 'token', value: strangers.get('token') as string },
        }).ended;
        expect([code, reason]).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_ANOTHER_LOG']);
      },
      {},
      Object.assign(Object.create(World.prototype) as World, { engines: shorter.engines, consolePath: other.consolePath }),
      stranger,
    );
    await other.close();
  });

  test('a place that is no longer kept is OUT_OF_RANGE, with the earliest token that is', async () => {
    const other = await World.open();
    const stranger = await other.key(['admin']);
    await publish(5, ['/x'], other);
    await withGateway(
      async (client) => {
        const reading = client.serverStream(subscribe, { start: { case: 'at', value: StartAt.BEGINNING } });
        await reading.until((messages) => messages.length > 0);
        reading.cancel();
        const token = reading.messages[0]?.token as string;
        for (const topic of contexts)
          for (const { partition, high } of await other.engines.log.heads(topic)) await other.engines.log.truncate(topic, partition, high);
        const { code, reason } = await client.serverStream(subscribe, { start: { case: 'token', value: token } }).ended;
        expect([code, reason]).toEqual(['OUT_OF_RANGE', 'POSITION_TRUNCATED']);
      },
      {},
      other,
      stranger,
    );
    await other.close();
  });

  test('who may not read is told so; a key that is revoked ends its stream', async () => {
    const publisher = await world.key(['publish']);
    const viewer = await world.key(['view']);
    await withGateway(
      async (client, gateway) => {
        const codeOf = async (authorization?: string): Promise<string> =>
          (await new GrpcClient(gateway.grpc, authorization).serverStream(subscribe, {}).ended).code;
        expect(await codeOf()).toBe('UNAUTHENTICATED');
        expect(await codeOf('Bearer sk_k-nobody_abcdefghijklmnopqrstuvwxyz')).toBe('UNAUTHENTICATED');
        expect(await codeOf(publisher.authorization)).toBe('PERMISSION_DENIED');
        const reading = new GrpcClient(gateway.grpc, viewer.authorization).serverStream(subscribe, {});
        await reading.until((messages) => messages.length > 0);
        await fetch(`${gateway.url}/api/v1/keys/${viewer.id}`, { method: 'DELETE', headers: { authorization: key.authorization } });
        const { code, metadata } = await reading.ended;
        expect(code).toBe('UNAUTHENTICATED');
        await expectGoesOn(new GrpcClient(gateway.grpc, (await world.key(['view'])).authorization), tokenOf(metadata));
        expect((await client.unary(getCatalogue, {})).types.map(({ type }) => type)).toContain('stream.started');
      },
      { checkMs: 20 },
    );
  });

  test('a reader that takes nothing is cut off; its token brings it back without gap or double', async () => {
    await withGateway(
      async (client) => {
        const filter = { contexts: ['cache'], subjectPrefix: `pg-${'c'.repeat(8)}` };
        const reading = client.serverStream(subscribe, { filter });
        await reading.until((messages) => messages.length > 0);
        reading.pause();
        const wide = Array.from({ length: 100 }, (_, at) => `/${at}/${'x'.repeat(1000)}`);
        const ids: string[] = [];
        for (let at = 0; at < 40; at++) ids.push(...(await publish(1, wide)));
        await new Promise((resolve) => setTimeout(resolve, 2000));
        reading.resume();
        const { code, reason } = await reading.ended;
        // Its stream was reset, or it came in time to fetch the reason.
        expect([code, reason]).toEqual(code === 'ABORTED' ? ['ABORTED', 'SLOW_READER'] : ['CANCELLED', undefined]);
        expect(eventsOf(reading.messages).length).toBeLessThan(40);
        const rest = client.serverStream(subscribe, { filter, start: { case: 'token', value: lastToken(reading.messages) } });
        await rest.until(atLeast(40 - eventsOf(reading.messages).length));
        rest.cancel();
        expect(idsOf([...reading.messages, ...rest.messages]).sort()).toEqual(ids.sort());
      },
      { stallMs: 300 },
    );
  });

  test('a deadline ends it', async () => {
    await withGateway(async (client) => {
      const reading = client.serverStream(subscribe, {}, 150);
      expect((await reading.ended).code).toBe('DEADLINE_EXCEEDED');
    });
  });

  test('a server that stops says so, and how to go on', async () => {
    const gateway = await startGateway(world.engines, world.consolePath);
    const client = new GrpcClient(gateway.grpc, key.authorization);
    const reading = client.serverStream(subscribe, {});
    await reading.until((messages) => messages.length > 0);
    await gateway.stop();
    const { code, metadata } = await reading.ended;
    expect(code).toBe('UNAVAILABLE');
    client.close();
    await withGateway((another) => expectGoesOn(another, tokenOf(metadata)));
  });
});

describe('SubscribeWithCredit', () => {
  test('brings as many events as were asked for, and tokens meanwhile', async () => {
    const ids = await publish(30);
    await withGateway(
      async (client) => {
        const call = client.bidi(subscribeWithCredit);
        call.write({ request: { case: 'begin', value: { filter: { contexts: ['cache'] }, start: { case: 'at', value: StartAt.BEGINNING } } } });
        await call.until((messages) => messages.length > 0);
        // Longer than a reader may take nothing: one that asks for nothing is not slow.
        await new Promise((resolve) => setTimeout(resolve, 120));
        expect(eventsOf(call.messages as never)).toEqual([]);
        call.write({ request: { case: 'credit', value: 10 } });
        await call.until(atLeast(10) as never);
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(eventsOf(call.messages as never)).toHaveLength(10);
        call.write({ request: { case: 'credit', value: 3 } });
        await call.until(atLeast(13) as never);
        call.cancel();
        expect(ids.length).toBeGreaterThan(13);
      },
      { heartbeatMs: 10, stallMs: 50 },
    );
  });

  test('refuses credit before the beginning, a second beginning, and an end without one', async () => {
    await withGateway(async (client) => {
      const early = client.bidi(subscribeWithCredit);
      early.write({ request: { case: 'credit', value: 10 } });
      expect((await early.ended).fields).toEqual(['credit']);
      const twice = client.bidi(subscribeWithCredit);
      twice.write({ request: { case: 'begin', value: {} } });
      twice.write({ request: { case: 'begin', value: {} } });
      expect((await twice.ended).fields).toEqual(['begin']);
      const empty = client.bidi(subscribeWithCredit);
      empty.end();
      expect((await empty.ended).code).toBe('INVALID_ARGUMENT');
    });
  });
});

/** Ids of all purges with this prefix, read from the log itself. */
async function allIds(prefix: string): Promise<string[]> {
  const ids: string[] = [];
  for (const { partition } of await world.engines.log.heads('cache')) {
    const { records } = await world.engines.log.read('cache', partition, 0n, { recordsMax: 5000, bytesMax: 1e9, waitMs: 0 });
    for (const { key: id } of records) if (id.startsWith(prefix) && partitionOf(id, 12) === partition) ids.push(id);
  }
  return ids;
}
