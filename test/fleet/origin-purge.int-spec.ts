import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signatureHeaders } from '#adapters/webhook';
import { edgeMessageKey } from '#runtime';
import { once } from 'node:events';
import { connect } from 'node:net';
import { EdgeProcess, ScriptedOrigin, send, until, type Answer as Told, type EdgeRuntime } from '../../apps/edge/edge.fixture.ts';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask, type Answer } from '../../apps/gateway/testing/http-client.ts';

const host = 'www.shop.example';
const secret = 'shared-by-edges-and-gateways';
/** An origin's address, and one that is none. */
const [own, strange] = ['127.0.0.5', '127.0.0.6'];
const pages = ['/page', '/news/1', '/news/2', '/shoes?size=9'];

let engines: RealEngines;
let world: World;
let gateway: RunningGateway;
let owner: string;
let origin: ScriptedOrigin;
let zone: string;
let edges: Record<EdgeRuntime, EdgeProcess>;

const call = (method: string, path: string, body?: object): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { authorization: owner }, ...(body === undefined ? {} : { body }) });
const configure = async (purgers?: readonly string[]): Promise<void> => {
  const { json, status } = await call('PUT', '/api/v1/cdn/zones/shop', {
    hosts: [host],
    origins: [{ url: origin.url }],
    ...(purgers === undefined ? {} : { purgers }),
  });
  expect([status, json.detail]).toEqual([200, undefined]);
  zone = json.id as string;
  const { version } = json as unknown as { readonly version: number };
  for (const edge of Object.values(edges ?? {}))
    await until(async () =>
      ((await edge.status()) as unknown as { zones: Array<{ id: string; version: number }> }).zones.some((one) => one.id === zone && one.version === version),
    );
};

interface Heard extends Omit<Told, 'body'> {
  readonly json: { readonly purgeId: string; readonly state: string; readonly edge: string; readonly detail: string; readonly type: string };
}

async function say(edge: EdgeProcess, method: string, path: string, headers: Readonly<Record<string, string>> = {}, localAddress = own): Promise<Heard> {
  const { body, ...answer } = await send(edge.port, { method, path, localAddress, headers: { host, ...headers } });
  return { ...answer, json: body.startsWith('{') ? JSON.parse(body) : {} };
}

const fill = async (): Promise<void> => {
  for (const edge of Object.values(edges)) for (const page of pages) await say(edge, 'GET', page);
};
/** What an edge has, without asking for what it has not. */
const cached = async (edge: EdgeProcess): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const page of pages) if ((await say(edge, 'GET', page, { 'cache-control': 'only-if-cached' })).status === 200) found.push(page);
  return found;
};

beforeAll(async () => {
  engines = await realEngines();
  world = await World.open(engines);
  gateway = await startGateway(engines, world.consolePath, {}, 0, { edgeSecret: secret, originPrivateAddresses: true });
  owner = (await world.key(['admin'], { tenant: 'acme' })).authorization;
  origin = await ScriptedOrigin.start();
  for (const page of pages) origin.says(page, `200 OK\r\ncache-control: max-age=600\r\nsurrogate-key: ${page.startsWith('/news') ? 'News' : 'rest'}`, page);
  await configure();
  await world.settle();
  const start = (runtime: EdgeRuntime): Promise<EdgeProcess> =>
    EdgeProcess.start({
      ...{ runtime, originUrl: gateway.url, dataDir: engines.folder },
      // Its own state lies below its own name.
      env: { EDGE_ID: `edge-${runtime}`, EDGE_SECRET: secret, EDGE_MEMORY_MB: '16', ORIGIN_PRIVATE_ADDRESSES: 'true', EDGE_PROXY_PROTOCOL: '127.0.0.9' },
    });
  edges = { bun: await start('bun'), node: await start('node') };
}, 60_000);

afterAll(async () => {
  await Promise.all(Object.values(edges).map((edge) => edge.kill()));
  await origin.close();
  await gateway.stop();
  await world.close();
});

describe.each<EdgeRuntime>(['bun', 'node'])('PURGE without a key, at an edge on %s', (runtime) => {
  const edge = (): EdgeProcess => edges[runtime];

  test('is of no use where a site names nobody, nor from whom it does not name, and no origin hears of it', async () => {
    await configure();
    await fill();
    expect(await say(edge(), 'PURGE', '/page')).toMatchObject({ status: 401 });
    await configure([own, '203.0.113.0/24', '2001:db8::/32']);
    const refused = await say(edge(), 'PURGE', '/page', {}, strange);
    expect(refused).toMatchObject({ status: 403, json: { type: 'urn:streams:problem:forbidden', detail: expect.stringContaining(strange) } });
    // Nobody is who he says he is.
    expect(await say(edge(), 'PURGE', '/page', { 'x-forwarded-for': own, forwarded: `for=${own}` }, strange)).toMatchObject({ status: 403 });
    expect(await cached(edge())).toEqual(pages);
    expect(origin.seen.filter(({ method }) => method === 'PURGE')).toEqual([]);
  }, 30_000);

  test.each<[string, string, Readonly<Record<string, string>>, readonly string[]]>([
    ['a page', '/page', {}, ['/page']],
    ['a page, as plugins say it', '/shoes?size=9', { 'x-purge-method': 'default' }, ['/shoes?size=9']],
    ['a page of the host, with the dot of the root', '/page', { host: `${host}.` }, ['/page']],
    ['what looks so', '/news/.*', { 'x-purge-method': 'regex' }, ['/news/1', '/news/2']],
    ['what begins so', '/news/*', {}, ['/news/1', '/news/2']],
    ['a tag', '/', { 'surrogate-key': 'news' }, ['/news/1', '/news/2']],
    ['tags, as Drupal says them', '/', { 'cache-tags': 'news other' }, ['/news/1', '/news/2']],
    ['the whole site', '/.*', { 'x-purge-method': 'regex' }, pages],
  ])(
    'is a purge of the tenant on all edges: %s',
    async (_what, path, headers, gone) => {
      await configure([own]);
      await fill();
      const answer = await say(edge(), 'PURGE', path, headers);
      expect(answer).toMatchObject({ status: 200, json: { purgeId: expect.stringMatching(/^pg-/), state: 'applied', edge: `edge-${runtime}` } });
      const { purgeId } = answer.json;
      await world.settle();
      await until(async () => {
        const { applied } = (await call('GET', `/api/v1/cdn/purges/${purgeId}`)).json as unknown as { readonly applied: readonly object[] };
        return applied.length === 2;
      });
      for (const each of Object.values(edges)) expect(await cached(each)).toEqual(pages.filter((page) => !gone.includes(page)));
      expect((await call('GET', `/api/v1/cdn/purges/${purgeId}`)).json).toMatchObject({ requestedBy: `origin:${own}`, reason: 'PURGE' });
      expect((await engines.aggregates.load('cache', purgeId))?.tenant).toBe('acme');
    },
    30_000,
  );

  test('counts by the address that a balancer of ours tells', async () => {
    await configure(['203.0.113.0/24']);
    const proxied = async (last: number): Promise<string> => {
      const header = Buffer.from([0x21, 0x11, 0, 12, 203, 0, last, 7, 127, 0, 0, 1, 0, 80, 1, 187]);
      const socket = connect({ host: '127.0.0.1', port: edge().port, localAddress: '127.0.0.9' });
      socket.write(
        Buffer.concat([
          Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
          header,
          Buffer.from(`PURGE /page HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        ]),
      );
      let text = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
      await once(socket, 'close');
      return text.split('\r\n', 1)[0] as string;
    };
    expect([await proxied(113), await proxied(114), (await say(edge(), 'PURGE', '/page')).status]).toEqual([
      expect.stringContaining(' 200'),
      expect.stringContaining(' 403'),
      403,
    ]);
  }, 30_000);

  test('what it cannot mean is told, and nothing of it done', async () => {
    await configure([own]);
    await fill();
    expect(await say(edge(), 'PURGE', '/(', { 'x-purge-method': 'regex' })).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining('body.patterns.0') },
    });
    expect(await say(edge(), 'PURGE', '/', { 'x-magento-tags-pattern': '.*' })).toMatchObject({ status: 501 });
    expect(await say(edge(), 'PURGE', '/page', { 'x-purge-method': 'wild' })).toMatchObject({ status: 400 });
    expect(await cached(edge())).toEqual(pages);
  }, 30_000);

  test('is not taken while no gateway is there, and says so: nothing is forgotten on one edge alone', async () => {
    await configure([own]);
    await fill();
    const port = Number(new URL(gateway.url).port);
    await gateway.stop();
    const answer = await say(edge(), 'PURGE', '/page');
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, json: { detail: expect.stringContaining('nothing was purged') } });
    expect(await cached(edge())).toEqual(pages);
    gateway = await startGateway(engines, world.consolePath, {}, port, { edgeSecret: secret, originPrivateAddresses: true });
    expect(await say(edge(), 'PURGE', '/page')).toMatchObject({ status: 200 });
  }, 30_000);
});

describe('the gateway', () => {
  const told = (address: string, of = zone) => ({ zone: of, address, edge: 'edge-x', changed: { urls: [`http://${host}/page`] } });
  const tell = (
    message: object,
    { key = edgeMessageKey(secret), id = `id-${Math.random()}`, at = Date.now(), to = zone, sent = message } = {},
  ): Promise<Answer> => {
    const signed = signatureHeaders({ id, timestamp: Math.floor(at / 1000), body: JSON.stringify(message) }, [key]);
    return ask(gateway.url, `/edge/zones/${to}/purges`, {
      method: 'POST',
      headers: { ...signed, 'content-type': 'application/json' },
      body: JSON.stringify(sent),
    });
  };

  test('hears edges alone, of addresses that the zone names now, and once for each id', async () => {
    await configure([own]);
    const first = await tell(told(own), { id: 'one' });
    expect(first).toMatchObject({ status: 202, json: { purgeId: expect.stringMatching(/^pg-/) } });
    expect((await tell(told(own), { id: 'one' })).json).toEqual(first.json);
    const refused = [
      tell(told(own), { key: edgeMessageKey('of another fleet altogether') }),
      tell(told(own), { at: Date.now() - 400_000 }),
      tell(told(strange), { sent: told(own) }),
      ask(gateway.url, `/edge/zones/${zone}/purges`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(told(own)) }),
    ];
    expect((await Promise.all(refused)).map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect((await tell(told(strange))).status).toBe(403);
    expect((await tell(told(own), { to: 'zn-nothere' })).status).toBe(401);
    expect((await tell(told(own, 'zn-nothere'), { to: 'zn-nothere' })).status).toBe(403);
    expect((await tell({ ...told(own), changed: { urls: ['http://www.other.example/'] } })).json).toMatchObject({ status: 400 });
    expect((await tell({ ...told(own), changed: {} })).status).toBe(400);
    expect((await tell({ ...told(own), tenant: 'default' })).status).toBe(400);
  }, 30_000);

  test('takes so many of one zone in a minute and no more', async () => {
    await configure([own]);
    expect((await say(edges.bun, 'PURGE', '/page')).status).toBe(200);
    const rate = { limit: 3_000, windowMs: 60_000 };
    // Fifty more are allowed each second: on a machine that stands still for a while, these are some of them.
    let refused: Awaited<ReturnType<typeof say>> | undefined;
    while (refused === undefined) {
      while ((await engines.limiter.take(`origin-purge:${zone}`, 1, rate, engines.clock.now())).allowed);
      const heard = await Promise.all(Array.from({ length: 20 }, () => say(edges.bun, 'PURGE', '/page')));
      refused = heard.find(({ status }) => status === 429);
    }
    expect(refused).toMatchObject({
      status: 429,
      json: { detail: expect.stringContaining('PURGE a minute') },
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    });
  }, 30_000);
});
