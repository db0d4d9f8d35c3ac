import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MemoryEventLog, MemoryPublicationStore } from '#adapters/memory';
import { OperatingError } from '#kernel';
import { edgeProofOf } from '#runtime';
import { once } from 'node:events';
import { connect } from 'node:net';
import { EventService } from './grpc/generated/streams/v1/event_service_pb.ts';
import { memoryEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient } from './testing/grpc-client.ts';
import { ask } from './testing/http-client.ts';

/** Takes nothing while it is closed, and lets nothing through that waits. */
class Gate {
  #opened = Promise.resolve();
  #open: () => void = () => undefined;

  close(): void {
    this.#opened = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open();
  }

  get passed(): Promise<void> {
    return this.#opened;
  }
}

const gate = new Gate();
const secret = 'a secret of the edges, shared';
let isDatabaseAway = false;

class GatedLog extends MemoryEventLog {
  override async append(...args: Parameters<MemoryEventLog['append']>): ReturnType<MemoryEventLog['append']> {
    if (args[0] === 'content') await gate.passed;
    return super.append(...args);
  }
}

class LeavingPublications extends MemoryPublicationStore {
  override async reserve(...args: Parameters<MemoryPublicationStore['reserve']>): ReturnType<MemoryPublicationStore['reserve']> {
    if (isDatabaseAway) throw new OperatingError('The database does not answer.', { code: 'STORE_UNAVAILABLE', retryable: true });
    return super.reserve(...args);
  }
}

let world: World;
let gateway: RunningGateway;

beforeAll(async () => {
  const engines = memoryEngines();
  world = await World.open({ ...engines, log: new GatedLog(engines.clock), publications: new LeavingPublications(engines.clock) });
  gateway = await startGateway(world.engines, world.consolePath, {}, 0, { edgeSecret: secret });
});

afterAll(async () => {
  gate.open();
  await gateway.stop();
  await world.close();
});

const eventsOf = (name: string, count: number): object[] =>
  Array.from({ length: count }, (_, at) => ({
    specversion: '1.0',
    id: `${name}-${at}`,
    source: '/cms',
    type: 'content.withdrawn',
    data: { contentId: `${name}-${at}` },
  }));

const publish = (name: string, count: number, headers: Readonly<Record<string, string>>) =>
  ask(gateway.url, '/api/v1/events', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/cloudevents-batch+json' },
    body: eventsOf(name, count),
  });

const countOf = async (): Promise<number> => (await world.engines.log.heads('content')).reduce((sum, { high }) => sum + Number(high), 0);

describe('who calls too often', () => {
  test('hears when to try again, by gRPC as by REST', async () => {
    const slow = await world.key(['view'], { ratePerMinute: 1 });
    const client = new GrpcClient(gateway.grpc, slow.authorization);
    await client.unary(EventService.method.getCatalogue, {});
    const refused = await client.unary(EventService.method.getCatalogue, {}).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED', retrySec: expect.any(Number) });
    expect((refused as { retrySec: number }).retrySec).toBeGreaterThan(0);
    const answer = await ask(gateway.url, '/api/v1/streams', { headers: slow });
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([429, true]);
    client.close();
  });
});

describe('a log that takes nothing', () => {
  test('makes publishers wait, by REST and by gRPC; what was refused was not written, what was taken in is', async () => {
    const key = await world.key(['publish'], { ratePerMinute: 10_000_000 });
    const before = await countOf();
    gate.close();
    // As many as wait in the queue at most (20,000), and those that are under way.
    const full = Array.from({ length: 30 }, (_, at) => publish(`full${at}`, 1_000, key));
    const answered = await Promise.race(full);
    expect(answered).toMatchObject({ status: 429, json: { type: 'urn:streams:problem:intake-busy' } });
    expect(Number(answered.headers['retry-after'])).toBeGreaterThan(0);
    const client = new GrpcClient(gateway.grpc, key.authorization);
    const attributes = { id: 'grpc-1', source: '/cms', specVersion: '1.0', type: 'content.withdrawn' };
    const events = Array.from({ length: 1_000 }, (_, at) => {
      const contentId = `grpc-${at}`;
      return { ...attributes, id: contentId, data: { case: 'textData' as const, value: JSON.stringify({ contentId }) } };
    });
    await expect(client.unary(EventService.method.publish, { events })).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'INTAKE_BUSY',
      retrySec: expect.any(Number),
    });
    gate.open();
    const statuses = (await Promise.all(full)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(await countOf()).toBe(before + 1_000 * statuses.filter((status) => status === 200).length);
    client.close();
  });
});

describe('a database that is away', () => {
  test('is a 503 that says when to try again; nothing is half written, and the same call succeeds afterwards', async () => {
    const key = await world.key(['publish']);
    const before = await countOf();
    expect((await publish('warm', 1, key)).status).toBe(200);
    isDatabaseAway = true;
    const answer = await publish('away', 3, key);
    isDatabaseAway = false;
    expect(answer).toMatchObject({ status: 503, json: { type: 'urn:streams:problem:unavailable' } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(await countOf()).toBe(before + 1);
    const again = await publish('away', 3, key);
    expect([again.status, again.json.events.map(({ duplicate }: { duplicate: boolean }) => duplicate)]).toEqual([200, [false, false, false]]);
    expect(await countOf()).toBe(before + 4);
  }, 60_000);
});

describe('strangers', () => {
  test('are turned away by their headers: nobody waits for a body of theirs', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4000000\r\n\r\n[');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });

  test('are counted by the address that an edge proves, and by no address that they claim', async () => {
    const from = (address: string, proof: string) => ask(gateway.url, '/api/v1/streams', { headers: { 'x-forwarded-for': address, 'x-streams-edge': proof } });
    await from('192.0.2.1', edgeProofOf(secret, '192.0.2.1'));
    await from('192.0.2.2', edgeProofOf(secret, '192.0.2.1'));
    await from('192.0.2.3', edgeProofOf('another secret, of a stranger', '192.0.2.3'));
    const { authorization } = await world.key(['admin']);
    const told = async (): Promise<Set<string>> => {
      await world.settle();
      const { items } = (await ask(gateway.url, '/api/v1/refusals?limit=1000&reveal=a+test', { headers: { authorization } })).json;
      return new Set(items.map(({ address }) => String(address)));
    };
    // Nobody waits for a refusal to be recorded; the last of them may come after the first.
    let addresses = await told();
    while (!addresses.has('192.0.2.1') || !addresses.has('127.0.0.1')) addresses = await told();
    expect(addresses.has('192.0.2.1')).toBe(true);
    expect([addresses.has('192.0.2.2'), addresses.has('192.0.2.3')]).toEqual([false, false]);
  });
});
