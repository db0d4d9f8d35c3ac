import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { prefetchModelPublished } from '#events';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { EdgeProcess, ScriptedOrigin } from '../../apps/edge/edge.fixture.ts';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask, type Answer } from '../../apps/gateway/testing/http-client.ts';
import { startProjector, type ProjectorProcess } from '../replay/projector-process.ts';

const host = 'www.shop.example';
const secret = 'shared-by-edges-and-gateways';
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const pages = ['/shoes', '/hats', '/coats'];
const assetsOf = (page: string): readonly string[] => [`${page}.css`, `${page}.js`];

let engines: RealEngines;
let world: World;
let gateway: RunningGateway;
let admin: string;
let origin: ScriptedOrigin;
let edge: EdgeProcess;
let projector: ProjectorProcess;
let zone: string;

const call = (method: string, path: string, body?: object): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { authorization: admin }, ...(body === undefined ? {} : { body }) });
interface Model {
  readonly number: number;
  readonly cid: string;
  readonly transitions: number;
  readonly precision: number;
  readonly sizeBytes: number;
}
const models = async (): Promise<readonly Model[]> => (await call('GET', '/api/v1/cdn/prefetch/models')).json.items as unknown as readonly Model[];

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let rounds = 0; rounds < 300; rounds++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come to that in time');
}

/** As a browser of its own: each has an address. */
async function get(path: string, visitor = 1, agent = firefox): Promise<string> {
  const localAddress = `127.0.${1 + Math.floor(visitor / 250)}.${1 + (visitor % 250)}`;
  const request = httpRequest({ host: '127.0.0.1', port: edge.port, path, localAddress, headers: { host, 'user-agent': agent }, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return String(response.headers['cache-status']);
}

async function startEdge(): Promise<EdgeProcess> {
  const env = { EDGE_REGION: 'eu', EDGE_SECRET: secret, EDGE_ACCESS_LINES: '5000', EDGE_MEMORY_MB: '16', ORIGIN_PRIVATE_ADDRESSES: 'true' };
  const started = await EdgeProcess.start({ runtime: 'bun', dataDir: engines.folder, originUrl: gateway.url, env });
  expect(started.port).toBeGreaterThan(0);
  return started;
}

type EdgeModels = ReadonlyArray<{ readonly zone: string; readonly number: number; readonly refused?: string }>;
const edgeModels = async (): Promise<EdgeModels> => ((await edge.status()) as unknown as { readonly models: EdgeModels }).models;

beforeAll(async () => {
  engines = await realEngines();
  world = await World.open(engines);
  gateway = await startGateway(engines, world.consolePath, {}, 0, { edgeSecret: secret, originPrivateAddresses: true });
  admin = (await world.key(['admin'])).authorization;
  origin = await ScriptedOrigin.start();
  for (const page of pages) {
    origin.says(page, '200 OK\r\ncontent-type: text/html\r\ncache-control: max-age=600', page);
    for (const asset of assetsOf(page)) origin.says(asset, '200 OK\r\ncontent-type: text/css\r\ncache-control: max-age=600', asset);
  }
  const configuration = { hosts: [host], origins: [{ url: origin.url }] };
  const { json } = await call('PUT', '/api/v1/cdn/zones/shop', configuration);
  zone = json.id as string;
  await world.settle();
  edge = await startEdge();
  projector = await startProjector({ folder: engines.folder, databaseUrl: engines.databaseUrl, env: { PREFETCH_MODEL_SECONDS: '1' } });
}, 60_000);

afterAll(async () => {
  await edge.kill();
  await projector.stop();
  await origin.close();
  await gateway.stop();
  await world.close();
});

describe('what visitors ask for after what', () => {
  test('becomes a model, once it proves right for visitors that it was not made of', async () => {
    for (let visitor = 0; visitor < 360; visitor++) {
      const page = pages[visitor % pages.length] as string;
      await get(page, visitor);
      // A noise of what nobody follows.
      if (visitor % 7 === 0) await get(pages[(visitor + 1) % pages.length] as string, visitor);
      for (const asset of assetsOf(page)) await get(asset, visitor);
    }
    await until(async () => (await models()).length > 0);
    const [model] = await models();
    expect(model).toMatchObject({ zone, zoneName: 'shop', mirroredFrom: null, cid: expect.stringMatching(/^bafkrei/) });
    expect(model?.transitions).toBeGreaterThanOrEqual(6);
    expect(model?.precision).toBeGreaterThan(0.8);
    expect(model?.sizeBytes).toBeLessThan(1000);
  }, 60_000);

  test('is given to edges alone', async () => {
    const [model] = await models();
    const path = `/edge/prefetch-models/${model?.cid}`;
    expect((await ask(gateway.url, path)).status).toBe(404);
    expect((await ask(gateway.url, path, { headers: { 'x-streams-edge': 'wrong' } })).status).toBe(404);
  });

  test('reaches the edge, which has it again after a restart, and fetches what follows before it is asked for', async () => {
    await until(async () => (await edgeModels()).some((one) => one.zone === zone));
    await until(async () => {
      const [used] = await edgeModels();
      return used !== undefined && used.number === (await models())[0]?.number;
    });
    await edge.kill('SIGTERM');
    edge = await startEdge();
    expect(await edgeModels()).toMatchObject([{ zone }]);
    const before = origin.seen.length;
    await get('/hats', 3, 'curl/8.5.0');
    await get('/shoes');
    await until(() => origin.seen.length >= before + 4);
    const asked = origin.seen.slice(before).map(({ path }) => path);
    expect([...asked.slice(0, 2), ...asked.slice(2).toSorted()]).toEqual(['/hats', '/shoes', ...assetsOf('/shoes')]);
    for (const asset of assetsOf('/shoes')) expect(await get(asset)).toMatch(/; hit/);
    expect(origin.seen.length).toBe(before + 4);
    const { prefetch } = (await edge.status()) as unknown as { readonly prefetch: { readonly model: object } };
    expect(prefetch.model).toMatchObject({ fetched: 2, used: 2, wasted: 0 });
    // As the edge tells of it, and the read model has it.
    await until(async () => {
      const { edges } = (await call('GET', '/api/v1/cdn/health')).json as unknown as {
        readonly edges: ReadonlyArray<{ readonly prefetch: { readonly foreseen: object } }>;
      };
      return JSON.stringify(edges[0]?.prefetch.foreseen).includes('"used":2');
    });
  }, 60_000);

  test('one that is damaged, or cannot be had, changes nothing', async () => {
    const [now] = await models();
    const { cid } = await engines.blobs.put(Buffer.from('SPFM but no model'));
    const told = { number: 1000, sizeBytes: 17, trainedAtMs: Date.now(), transitions: 1, learnedFrom: 1, triedOn: 1, precision: 1, coverage: 1 };
    await world.facts.publish('zone', [prefetchModelPublished.draft({ zone, cid, ...told })], { producer: { id: 'test', epoch: 1n } });
    await until(async () => (await edgeModels()).some(({ refused }) => refused?.includes('none that this edge can read') === true));
    expect((await edgeModels())[0]?.number).toBeLessThanOrEqual((now?.number ?? 0) + 1);
    await get('/coats');
    await until(() => origin.count('/coats.js') >= 2);
  }, 30_000);

  test('a projector that takes over goes on with what is published', async () => {
    const next = await startProjector({ folder: engines.folder, databaseUrl: engines.databaseUrl, env: { PREFETCH_MODEL_SECONDS: '1' } }, 'projector-2');
    await projector.stop();
    projector = next;
    // Nothing has changed, and the model that is told of last is not there to be read: a better one follows it.
    for (let visitor = 400; visitor < 700; visitor++) for (const path of ['/hats', ...assetsOf('/hats')]) await get(path, visitor);
    await until(async () => (await models())[0]?.number === 1001);
    await until(async () => (await edgeModels())[0]?.number === 1001);
    expect((await edgeModels())[0]?.refused).toBeUndefined();
  }, 60_000);
});
