import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { pause } from '#runtime';
import { connect, MemoryResumeStore, type PublishResult, type SubscribeInit, type Transport } from '#sdk';
import { grpc } from '#sdk/grpc';

jest.setTimeout(60_000);

let world: World;
let gateway: RunningGateway;
let key: string;

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 50 });
  key = (await world.key(['publish', 'view', 'operate'])).authorization.slice('Bearer '.length);
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const rest = (more: { fetch?: typeof fetch } = {}) => connect({ url: gateway.url, key, source: '/cms', ...more });
const withdraw = (contentId: string) => ['content.withdrawn', { contentId }] as const;

async function countOf(topic: string): Promise<number> {
  return (await world.engines.log.heads(topic)).reduce((sum, { high }) => sum + Number(high), 0);
}

describe('publishing by REST', () => {
  test('an event is on the log once, and a subscriber has it', async () => {
    const streams = rest();
    const since = new Date();
    const placed = await streams.publish('content.published', { contentId: 'one', url: 'https://origin.example/1', contentType: 'video/mp4', title: 'Eins' });
    for await (const event of streams.subscribe({ types: ['content.published'], from: new Date(since.getTime() - 1_000) })) {
      expect(event).toMatchObject({ id: placed.id, offset: placed.offset, source: '/cms', tenant: 'default', data: { title: 'Eins' } });
      expect(event.actor).toMatch(/^key:/);
      break;
    }
    await streams.close();
  });

  test('an answer that is lost makes no second event', async () => {
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (lost++ < 2) throw new TypeError('the line broke before the answer');
      return response;
    };
    const before = await countOf('content');
    expect(await rest({ fetch: losing }).publish(...withdraw('lost'))).toMatchObject({ accepted: true, duplicate: true });
    expect(await countOf('content')).toBe(before + 1);
  });

  test('a program that publishes again under the same id makes no second event, whether by REST or by gRPC', async () => {
    const before = await countOf('content');
    const byRest = rest();
    const byGrpc = connect({ transport: grpc({ address: gateway.grpc, key }), source: '/cms' });
    const made = await byRest.publish(...withdraw('again'));
    for (const id of ['again', made.id]) {
      for (const streams of [byRest, byGrpc, byRest]) {
        await pause(3);
        expect(await streams.publish(...withdraw('again'), { id })).toMatchObject({ id, accepted: true });
      }
    }
    await expect(byRest.publish(...withdraw('another'), { id: 'again' })).rejects.toMatchObject({ code: 'EVENT_ID_CONFLICT' });
    expect(await countOf('content')).toBe(before + 2);
    await byGrpc.close();
  });

  test('of many, what is at fault is named, and the others are written', async () => {
    const streams = rest();
    const { id } = await streams.publish(...withdraw('taken'));
    const events = [
      { type: 'content.withdrawn', data: { contentId: 'good' } },
      { type: 'content.withdrawn', data: { contentId: 'another' }, id },
      { type: 'content.withdrawn', data: { contentId: 'future' }, time: Date.now() + 1e9 },
      { type: 'playback.ended', data: { sessionId: 's', assetKind: 'stream', assetId: 'a', playedMs: 1, stalls: 0, stalledMs: 0, reason: 'left' } },
    ] as const;
    const told = (result: PublishResult): string => (result.accepted ? result.topic : `${result.code} ${result.field}`);
    expect((await streams.publishAll(events)).map(told)).toEqual(['content', 'EVENT_ID_CONFLICT id', 'EVENT_TIME_INVALID time', 'playback']);
  });

  test('what the key may not do, and what nobody may, is an error that says so', async () => {
    const viewer = (await world.key(['view'])).authorization.slice('Bearer '.length);
    await expect(connect({ url: gateway.url, key: viewer }).publish(...withdraw('x'))).rejects.toMatchObject({ code: 'FORBIDDEN', retryable: false });
    await expect(connect({ url: gateway.url, key: 'sk-nonsense' }).publish(...withdraw('x'))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a publisher brings thousands, in order by key, over a gateway that goes and comes back', async () => {
    const before = await countOf('content');
    const publisher = rest().publisher({ batchEventsMax: 100, retryForMs: 50_000 });
    const count = 4_000;
    let restarted: Promise<void> | undefined;
    for (let at = 0; at < count; at++) {
      await publisher.add('content.withdrawn', { contentId: `many-${at % 7}`, reason: `${at}` });
      if (at === 1_500) restarted = restartGateway();
    }
    expect(await publisher.close()).toMatchObject({ accepted: count, refused: 0 });
    await restarted;
    expect(await countOf('content')).toBe(before + count);
    const last = new Map<string, number>();
    let seen = 0;
    for await (const { data } of rest().subscribe({ types: ['content.withdrawn'], subjectPrefix: 'many-', from: 'beginning' })) {
      expect(Number(data.reason)).toBeGreaterThan(last.get(data.contentId) ?? -1);
      last.set(data.contentId, Number(data.reason));
      if (++seen === count) break;
    }
  });
});

async function restartGateway(): Promise<void> {
  const port = Number(new URL(gateway.url).port);
  const grpcPort = Number(new URL(`http://${gateway.grpc}`).port);
  await gateway.stop();
  gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 50 }, port, { grpcPort });
}

describe('publishing by gRPC', () => {
  const byGrpc = (as = key) => connect({ transport: grpc({ address: gateway.grpc, key: as }), source: '/cms' });

  test('an event is on the log once, as it is by REST, and the others of its call are not held up', async () => {
    const streams = byGrpc();
    const placed = await streams.publish('content.withdrawn', { contentId: 'grpc', reason: 'Grüße' }, { time: 1_700_000_000_001, correlationId: 'c-1' });
    expect(
      await streams.publish('content.withdrawn', { contentId: 'grpc', reason: 'Grüße' }, { id: placed.id, time: 1_700_000_000_001, correlationId: 'c-1' }),
    ).toEqual({
      ...placed,
      duplicate: true,
    });
    for await (const event of streams.subscribe({ types: ['content.withdrawn'], key: 'grpc', from: 'beginning' })) {
      expect(event).toMatchObject({
        id: placed.id,
        offset: placed.offset,
        time: 1_700_000_000_001,
        source: '/cms',
        correlationId: 'c-1',
        data: { reason: 'Grüße' },
      });
      break;
    }
    const events = [withdraw('good'), withdraw('future')].map(([type, data], at) => ({ type, data, time: Date.now() + at * 1e9 }));
    expect(await streams.publishAll(events)).toMatchObject([
      { accepted: true, topic: 'content' },
      { accepted: false, code: 'EVENT_TIME_INVALID', field: 'time' },
    ]);
    await streams.close();
  });

  test('what the key may not do is an error that says so', async () => {
    const viewer = (await world.key(['view'])).authorization.slice('Bearer '.length);
    for (const [as, code] of [
      [viewer, 'FORBIDDEN'],
      ['sk-nonsense', 'UNAUTHENTICATED'],
    ] as const) {
      const streams = byGrpc(as);
      await expect(streams.publish(...withdraw('x'))).rejects.toMatchObject({ code, retryable: false });
      await streams.close();
    }
  });

  test('a publisher brings thousands, over a gateway that goes and comes back', async () => {
    const before = await countOf('content');
    const streams = byGrpc();
    const publisher = streams.publisher({ batchEventsMax: 100, retryForMs: 50_000 });
    let restarted: Promise<void> | undefined;
    for (let at = 0; at < 3_000; at++) {
      await publisher.add('content.withdrawn', { contentId: `grpc-${at % 7}`, reason: `${at}` });
      if (at === 1_000) restarted = restartGateway();
    }
    expect(await publisher.close()).toMatchObject({ accepted: 3_000, refused: 0 });
    await restarted;
    await streams.close();
    expect(await countOf('content')).toBe(before + 3_000);
  });
});

describe.each<[string, () => Transport | undefined]>([
  ['server-sent events', () => undefined],
  ['gRPC', () => grpc({ address: gateway.grpc, key })],
])('following by %s', (name, transport) => {
  const streams = () => {
    const chosen = transport();
    return chosen === undefined ? rest() : connect({ transport: chosen });
  };

  async function reasons(count: number, init: SubscribeInit<'content.withdrawn'>): Promise<string[]> {
    const found: string[] = [];
    const connection = streams();
    for await (const event of connection.subscribe({ types: ['content.withdrawn'], ...init })) {
      found.push(event.data.reason ?? '');
      if (found.length === count) break;
    }
    await connection.close();
    return found;
  }

  const subject = `follow-${name.replaceAll(/\W/g, '')}`;

  test('history, a token, a store and a time lead to the same events', async () => {
    const publisher = rest();
    for (let at = 0; at < 6; at++) await publisher.publish('content.withdrawn', { contentId: subject, reason: `${at}` });
    const all = ['0', '1', '2', '3', '4', '5'];
    expect(await reasons(6, { subject, from: 'beginning' })).toEqual(all);
    expect(await reasons(6, { subject, from: new Date(Date.now() - 60_000) })).toEqual(all);
    const resume = new MemoryResumeStore();
    const first = await reasons(3, { subject, from: 'beginning', resume, saveEveryMs: 0 });
    expect(first).toEqual(all.slice(0, 3));
    // At least once: what was in hand when the loop was left comes again, and nothing is missing.
    const again = await reasons(1, { subject, from: 'beginning', resume, saveEveryMs: 0 });
    expect(Number(again[0])).toBeLessThanOrEqual(3);
  });

  test('a filter that the platform does not know is refused, and a wrong token, and a wrong key', async () => {
    const connection = streams();
    await expect(connection.subscribe({ contexts: ['nowhere'] }).next()).rejects.toMatchObject({ code: 'INVALID', retryable: false });
    await expect(connection.subscribe({ from: { token: 'broken' } }).next()).rejects.toMatchObject({ code: 'INVALID', retryable: false });
    await connection.close();
  });

  test('goes on over a gateway that goes and comes back: nothing is lost, nothing comes twice', async () => {
    const followed = `${subject}-broken`;
    const seen: string[] = [];
    const breaks: Error[] = [];
    const connection = streams();
    const following = (async () => {
      for await (const { data } of connection.subscribe({
        types: ['content.withdrawn'],
        subject: followed,
        from: 'beginning',
        onBreak: (error) => breaks.push(error),
      })) {
        seen.push(data.reason ?? '');
        if (seen.length === 30) return;
      }
    })();
    const publisher = rest();
    for (let at = 0; at < 30; at++) {
      await publisher.publish('content.withdrawn', { contentId: followed, reason: `${at}` });
      if (at === 10) await restartGateway();
    }
    await following;
    await connection.close();
    expect(seen).toEqual(Array.from({ length: 30 }, (_, at) => `${at}`));
    expect(breaks.length).toBeGreaterThan(0);
  });
});
