import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

let world: World;
let headers: { authorization: string };

beforeAll(async () => {
  world = await World.open(await realEngines());
  headers = { authorization: (await world.key(['admin'])).authorization };
});

afterAll(() => world.close());

const live = '/api/v1/events/live';
let made = 0;

async function purge(gateway: RunningGateway, times: number, reason = ''): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < times; at++) {
    const answer = await ask(gateway.url, '/api/v1/cdn/cache/purge', { method: 'POST', headers, body: { urls: [`/p/${made++}`], reason } });
    ids.push(answer.json.purgeId);
  }
  return ids;
}

const keysOf = (client: SseClient): string[] => client.messages.map((message) => message.event.partitionkey);

describe('the live feed', () => {
  test('from now: what happens after, and nothing before', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    await purge(gateway, 2);
    await world.settle();
    const client = new SseClient();
    expect(await client.open(gateway.url, `${live}?context=cache`, headers)).toBe(200);
    const ids = await purge(gateway, 3);
    await client.until(3);
    expect(keysOf(client).sort()).toEqual(ids.sort());
    expect(client.messages[0]?.event).toEqual(
      expect.objectContaining({
        specversion: '1.0',
        type: 'purge.requested',
        actor: expect.stringMatching(/^key:k-/),
        data: expect.objectContaining({ reason: '' }),
      }),
    );
    client.close();
  });

  test('over restarts of the gateway and breaks of the line: every event once, in the order of its partition', async () => {
    const client = new SseClient();
    const expected: string[] = [];
    let port = 0;
    for (let round = 0; round < 4; round++) {
      const gateway = await startGateway(world.engines, world.consolePath, {}, port);
      port = Number(new URL(gateway.url).port);
      // Written while nobody reads, while the reader catches up, and while it follows.
      const had = client.messages.length;
      expected.push(...(await purge(gateway, 5)));
      expect(await client.open(gateway.url, `${live}?context=cache&from=beginning`, headers)).toBe(200);
      expected.push(...(await purge(gateway, 20)));
      if (round % 2 === 0) await client.until(had + 7);
      if (round === 1) client.close();
      await gateway.stop();
      await client.closed;
    }
    await using gateway = await startGateway(world.engines, world.consolePath, {}, port);
    await client.open(gateway.url, `${live}?context=cache&from=beginning`, headers);
    expected.push(...(await purge(gateway, 1)));
    await client.until(expected.length);
    await world.settle();
    const all = (await ask(gateway.url, '/api/v1/events?context=cache&order=oldest&limit=1000', { headers })).json.items;
    await client.until(all.length);
    client.close();
    expect(new Set(keysOf(client)).size).toBe(client.messages.length);
    expect(keysOf(client).sort()).toEqual(all.map((event: { partitionkey: string }) => event.partitionkey).sort());
    const offsets = new Map<number, bigint>();
    for (const { event } of client.messages) {
      expect(BigInt(event.offset)).toBeGreaterThan(offsets.get(event.partition) ?? -1n);
      offsets.set(event.partition, BigInt(event.offset));
    }
  });

  test('recent: the last events first, then what comes', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    await purge(gateway, 60);
    await world.settle();
    const newest = (await ask(gateway.url, '/api/v1/events?type=purge.requested&limit=50', { headers })).json.items;
    const client = new SseClient();
    await client.open(gateway.url, `${live}?type=purge.requested&from=recent`, headers);
    await client.until(50);
    const [next] = await purge(gateway, 1);
    await client.until(51);
    client.close();
    expect(keysOf(client).slice(0, 50)).toEqual(newest.map((event: { partitionkey: string }) => event.partitionkey).toReversed());
    expect(keysOf(client)[50]).toBe(next);
  });

  test('a filter lets nothing else through, and the token moves on all the same', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 20 });
    const client = new SseClient();
    await client.open(gateway.url, `${live}?type=purge.requested&subject=pg-none`, headers);
    await client.begun();
    const first = client.lastId;
    await purge(gateway, 2);
    while (client.lastId === first) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(client.messages).toEqual([]);
    client.close();
  });

  test('events that are no longer kept are said to be gone', async () => {
    const other = await World.open();
    await using gateway = await startGateway(other.engines, other.consolePath);
    const own = { authorization: (await other.key(['admin'])).authorization };
    const client = new SseClient();
    await client.open(gateway.url, `${live}?from=beginning`, own);
    await client.begun();
    const token = client.lastId;
    client.close();
    await other.key(['view']);
    await other.settle();
    for (const { partition, high } of await other.engines.log.heads('access')) await other.engines.log.truncate('access', partition, high);
    const answer = await ask(gateway.url, `${live}?from=${token}`, { headers: own });
    expect([answer.status, answer.json.type]).toEqual([410, 'urn:streams:problem:position-truncated']);
    const again = new SseClient();
    expect(await again.open(gateway.url, `${live}?from=${answer.json.earliestToken}`, own)).toBe(200);
    again.close();
    await other.close();
  });

  test('a key that is revoked ends its feed, between two heartbeats', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 3_600_000, checkMs: 20 });
    const key = await world.key(['view']);
    const client = new SseClient();
    await client.open(gateway.url, live, { authorization: key.authorization });
    await ask(gateway.url, `/api/v1/keys/${key.id}`, { method: 'DELETE', headers });
    await client.closed;
  });

  test('a reader that takes nothing is cut off, and resumes from the last id that it saw', async () => {
    const other = await World.open();
    const own = { authorization: (await other.key(['admin'])).authorization };
    await using gateway = await startGateway(other.engines, other.consolePath, { stallMs: 50, readersMax: 1 });
    const client = new SseClient();
    await client.open(gateway.url, live, own);
    await client.begun();
    client.pause();
    // As much as one event takes: a larger purge is several of them.
    const urls = Array.from({ length: 80 }, (_, at) => `/${at}/${'x'.repeat(1000)}`);
    const ids: string[] = [];
    const second = new SseClient(client.lastId);
    // Until the kernel's buffers are full, whatever they hold: there is room for one reader, so the second gets in when the first was cut off.
    while ((await second.open(gateway.url, live, own)) !== 200)
      ids.push((await ask(gateway.url, '/api/v1/cdn/cache/purge', { method: 'POST', headers: own, body: { urls } })).json.purgeId);
    second.close();
    client.resume();
    await client.closed;
    expect(client.messages.length).toBeLessThan(ids.length);
    // On a busy machine it may be cut off again, and comes back again.
    while (client.messages.length < ids.length) {
      if ((await client.open(gateway.url, live, own)) === 200) await Promise.race([client.until(ids.length), client.closed]);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(keysOf(client).sort()).toEqual(ids.sort());
    client.close();
    await gateway.stop();
    await other.close();
  });

  test('more readers than it can serve are sent away', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { readersMax: 1 });
    const client = new SseClient();
    await client.open(gateway.url, live, headers);
    const answer = await ask(gateway.url, live, { headers });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
    client.close();
  });
});
