import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contexts } from '#events';
import { edgeProofOf } from '#runtime';
import { WebSocket } from 'ws';
import { operations } from './openapi/operations.ts';
import { expectOwnRows, expectOwnTables } from './testing/own-rows.ts';
import { eventsOf } from './testing/tenant-events.ts';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer, type Ask } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';
import { announceEncoding, announceSegment } from './testing/stream-facts.ts';
import { streamProbes } from './testing/stream-probes.ts';
import { effectOperations, featureProbes, furnishFeatures } from './testing/feature-probes.ts';

/** A tenant with one of everything. */
interface Tenant {
  readonly id: string;
  readonly headers: { readonly authorization: string };
  readonly streamId: string;
  readonly purgeId: string;
  readonly keyId: string;
  readonly webhookId: string;
}

const edgeSecret = 'shared by edges and gateways';
let world: World;
let gateway: RunningGateway;
let platform: { readonly authorization: string };
let acme: Tenant;
let globex: Tenant;

const as = (headers: Readonly<Record<string, string>>, method: string, path: string, body?: unknown): Promise<Answer> =>
  ask(gateway.url, path, { method, headers, ...(body === undefined ? {} : { body }) } satisfies Ask);

/** Publishes content; under an id of its own, or one that somebody chose. */
function publish(headers: Readonly<Record<string, string>>, contentId: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const data = { contentId, url: `https://origin.example/${contentId}`, contentType: 'video/mp4' };
  const id = `e-${contentId}`;
  return as(headers, 'POST', '/api/v1/events', { specversion: '1.0', id, source: '/cms', type: 'content.published', data, ...more });
}

/** A player's report that somebody began to watch. */
function play(headers: Readonly<Record<string, string>>, sessionId: string): Promise<Answer> {
  const data = { sessionId, assetKind: 'stream', assetId: 'st-shared', startupMs: 900 };
  return as(headers, 'POST', '/api/v1/events', { specversion: '1.0', id: `e-${sessionId}`, source: '/player', type: 'playback.started', data });
}

async function furnish(id: string): Promise<Tenant> {
  expect((await as(platform, 'POST', '/api/v1/tenants', { id, name: `${id} TV` })).status).toBe(201);
  const admin = await as(platform, 'POST', '/api/v1/keys', { name: `${id} admin`, scopes: ['admin'], tenant: id });
  const headers = { authorization: `Bearer ${admin.json.key}` };
  const streamId = (await as(headers, 'POST', '/api/v1/stream/start', { name: `${id} news` })).json.id as string;
  const purgeId = (await as(headers, 'POST', '/api/v1/cdn/cache/purge', { urls: [`/live/${streamId}/master.m3u8`], reason: id })).json.purgeId as string;
  const keyId = (await as(headers, 'POST', '/api/v1/keys', { name: `${id} viewer`, scopes: ['view'] })).json.id as string;
  const webhookId = (await as(headers, 'POST', '/api/v1/webhooks', { url: `https://${id}.example/hook` })).json.id as string;
  await furnishFeatures({ as, headers, id, world });
  expect((await publish(headers, id === 'acme' ? 'ours' : 'theirs')).status).toBe(200);
  await announceEncoding(world, streamId);
  await announceSegment(world, streamId, 0);
  return { id, headers, streamId, purgeId, keyId, webhookId };
}

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath, {}, 0, { edgeSecret });
  platform = { authorization: (await world.key(['admin'])).authorization };
  acme = await furnish('acme');
  globex = await furnish('globex');
  await world.settle();
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

/** What must not be in any answer to acme. */
function expectNothingForeign(answer: Answer): void {
  expect(answer.status).toBeLessThan(500);
  for (const secret of [globex.id, globex.streamId, globex.purgeId, globex.keyId, globex.webhookId]) expect(answer.text).not.toContain(secret);
}

/** Asked about another's thing, acme hears what it hears about a thing that is not there. */
async function expectAbsent(ask: (id: string) => Promise<Answer>, foreign: string, absent: string): Promise<void> {
  const [theirs, nobodys] = [await ask(foreign), await ask(absent)];
  expect([theirs.status, nobodys.status]).toEqual([404, 404]);
  const told = ({ json }: Answer): string => JSON.stringify({ ...json, instance: '' });
  expect(told(theirs).replaceAll(foreign, '*')).toBe(told(nobodys).replaceAll(absent, '*'));
}

/** Makes keys in both tenants while somebody follows, who has to see acme's. */
async function makeKeys(followed: (mine: string) => Promise<void>): Promise<void> {
  await as(globex.headers, 'POST', '/api/v1/keys', { name: 'theirs', scopes: ['view'] });
  await followed((await as(acme.headers, 'POST', '/api/v1/keys', { name: 'mine', scopes: ['view'] })).json.id);
}

function expectOnlyAcme(lines: readonly string[]): void {
  const tenants = lines.map((line) => (JSON.parse(line) as { event?: { tenant: string } }).event?.tenant).filter((tenant) => tenant !== undefined);
  expect(new Set(tenants)).toEqual(new Set(['acme']));
}

async function theirEvent(): Promise<string> {
  return (await as(platform, 'GET', `/api/v1/events/search?subject=${globex.streamId}`)).json.items[0]?.id ?? '';
}

/** What the operation must keep from acme, and that it gives acme its own; by the operation's id. */
const probes: Readonly<Record<string, () => Promise<void>>> = {
  startStream: async () => {
    const answer = await as(acme.headers, 'POST', '/api/v1/stream/start', { name: 'x' });
    expectNothingForeign(answer);
    expect((await as(globex.headers, 'GET', `/api/v1/streams/${answer.json.id}`)).status).toBe(404);
    expect((await as(acme.headers, 'GET', `/api/v1/streams/${answer.json.id}`)).status).toBe(200);
  },
  stopStream: async () => {
    await expectAbsent((id) => as(acme.headers, 'POST', '/api/v1/stream/stop', { id }), globex.streamId, 'st-aaaaaaaaaaaaaaaa');
    expect((await as(platform, 'GET', `/api/v1/streams/${globex.streamId}`)).json.status).toBe('created');
  },
  issueStreamKey: async () => expectAbsent((id) => as(acme.headers, 'POST', '/api/v1/stream/key', { id }), globex.streamId, 'st-aaaaaaaaaaaaaaaa'),
  switchStream: async () =>
    expectAbsent((id) => as(acme.headers, 'POST', '/api/v1/stream/switch', { id, to: 'backup', reason: 'a test' }), globex.streamId, 'st-aaaaaaaaaaaaaaaa'),
  listStreams: async () => {
    for (const query of ['', '?status=created', '?limit=1', '?status=live']) expectNothingForeign(await as(acme.headers, 'GET', `/api/v1/streams${query}`));
    const pages: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { json } = await as(acme.headers, 'GET', `/api/v1/streams?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      pages.push(...json.items.map((each: { id: string }) => each.id));
      cursor = json.nextCursor;
    }
    expect(pages).toContain(acme.streamId);
    expect(pages).not.toContain(globex.streamId);
    const all = await as(platform, 'GET', '/api/v1/streams');
    expect(all.text).toContain(acme.streamId);
    expect(all.text).toContain(globex.streamId);
  },
  showStream: async () => {
    await expectAbsent((id) => as(acme.headers, 'GET', `/api/v1/streams/${id}`), globex.streamId, 'st-aaaaaaaaaaaaaaaa');
    expect((await as(acme.headers, 'GET', `/api/v1/streams/${acme.streamId}`)).json.renditions).toHaveLength(2);
  },
  publishEvents: async () => {
    const refused = await publish(acme.headers, 'spy', { tenant: globex.id });
    expect(Math.floor(refused.status / 100)).toBe(4);
    // The same id and content in another tenant is another event: it neither meets nor changes what globex published.
    expect((await publish(acme.headers, 'theirs')).json.events).toEqual([expect.objectContaining({ duplicate: false })]);
    await world.settle();
    expect((await as(acme.headers, 'GET', '/api/v1/contents/theirs')).json.tenant).toBe('acme');
    expect((await as(globex.headers, 'GET', '/api/v1/contents/theirs')).json.tenant).toBe('globex');
  },
  listContents: async () => {
    const { json } = await as(acme.headers, 'GET', '/api/v1/contents?limit=1000');
    expect(json.items.map(({ tenant }: { tenant: string }) => tenant)).toEqual(json.items.map(() => 'acme'));
    expect(json.items).toContainEqual(expect.objectContaining({ id: 'ours' }));
    expect((await as(acme.headers, 'GET', '/api/v1/contents?tenant=globex')).json).toEqual({ items: [], nextAfter: null });
    expect((await as(platform, 'GET', '/api/v1/contents?tenant=globex')).json.items).toContainEqual(expect.objectContaining({ tenant: 'globex' }));
  },
  showContent: async () => {
    await publish(globex.headers, 'hidden');
    await world.settle();
    await expectAbsent((id) => as(acme.headers, 'GET', `/api/v1/contents/${id}`), 'hidden', 'absent');
    expect((await as(globex.headers, 'GET', '/api/v1/contents/hidden')).status).toBe(200);
  },
  listCatalogue: async () => {
    const [ours, theirs] = [await as(acme.headers, 'GET', '/api/v1/catalogue'), await as(globex.headers, 'GET', '/api/v1/catalogue')];
    expectNothingForeign(ours);
    expect(ours.json.items).toContainEqual(expect.objectContaining({ type: 'content.published', open: true }));
    expect(ours.json).toEqual(theirs.json);
  },
  showEventType: async () => {
    const answer = await as(acme.headers, 'GET', '/api/v1/catalogue/content.published');
    expectNothingForeign(answer);
    expect(answer.json.versions).toHaveLength(answer.json.version);
  },
  showLedger: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/ledger')).status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/ledger')).status).not.toBe(403);
  },
  proveEvent: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/ledger/events/e-1/proof')).status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/ledger/events/e-1/proof')).status).not.toBe(403);
  },
  proveRecord: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/ledger/stream/0/offsets/0/proof')).status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/ledger/stream/0/offsets/0/proof')).status).not.toBe(403);
  },
  listLedgerCheckpoints: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/ledger/stream/0/checkpoints')).status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/ledger/stream/0/checkpoints')).status).not.toBe(403);
  },
  readLedgerRecords: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/ledger/stream/0/records/0')).status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/ledger/stream/0/records/0')).status).not.toBe(403);
  },
  signLedgerHolding: async () => expect((await as(acme.headers, 'GET', `/api/v1/ledger/stream/0/holding?size=1&export=${'0'.repeat(32)}`)).status).toBe(403),
  rotateLedgerKey: async () => {
    expect((await as(acme.headers, 'POST', '/api/v1/ledger/keys/rotate', { reason: 'a test' })).status).toBe(403);
    expect((await as(platform, 'POST', '/api/v1/ledger/keys/rotate', { reason: 'a test' })).status).toBe(202);
  },
  showSubjectKeys: async () => expect((await as(acme.headers, 'GET', '/api/v1/subjects/keys')).status).toBe(403),
  giveUpMasterKey: async () =>
    expect((await as(acme.headers, 'POST', '/api/v1/subjects/keys/give-up', { masterKey: 'mk-1', reason: 'a test' })).status).toBe(403),
  rotateMasterKey: async () => expect((await as(acme.headers, 'POST', '/api/v1/subjects/keys/rotate', { reason: 'a test' })).status).toBe(403),
  listParkedEvents: async () => {
    const answer = await as(acme.headers, 'GET', '/api/v1/events/parked');
    expectNothingForeign(answer);
    expect(answer.status).toBe(403);
    expect((await as(platform, 'GET', '/api/v1/events/parked')).json.items).toEqual([]);
  },
  searchEvents: async () => {
    for (const query of ['', '&context=access', `&subject=${globex.streamId}`, `&tenant=${globex.id}`, '&where=true'])
      expectNothingForeign(await as(acme.headers, 'GET', `/api/v1/events/search?limit=200${query}`));
    const ours = await as(acme.headers, 'GET', `/api/v1/events/search?subject=${acme.streamId}`);
    expect(ours.json.items.map(({ type }: { type: string }) => type)).toContain('stream.created');
    expect((await as(acme.headers, 'GET', `/api/v1/events/search?subject=${globex.streamId}`)).json.items).toEqual([]);
    const theirs = await as(platform, 'GET', `/api/v1/events/search?subject=${globex.streamId}`);
    expect(theirs.json.items.length).toBeGreaterThan(0);
  },
  showEvent: async () => {
    await expectAbsent((id) => as(acme.headers, 'GET', `/api/v1/events/${id}`), await theirEvent(), 'e-absent');
    expect((await as(acme.headers, 'GET', '/api/v1/events/e-ours')).json.event.tenant).toBe('acme');
  },
  showCausation: async () => {
    await expectAbsent((id) => as(acme.headers, 'GET', `/api/v1/events/${id}/causation`), await theirEvent(), 'e-absent');
    const tree = await as(acme.headers, 'GET', '/api/v1/events/e-ours/causation');
    expectNothingForeign(tree);
    expect(tree.json.nodes).toHaveLength(1);
  },
  listEvents: async () => {
    const seen = new Set<string>();
    for (const query of ['', '&order=oldest', ...contexts.map((context) => `&context=${context}`)]) {
      const answer = await as(acme.headers, 'GET', `/api/v1/events?limit=1000${query}`);
      expectNothingForeign(answer);
      for (const event of answer.json.items) seen.add(event.type);
    }
    expect([...seen]).toEqual(expect.arrayContaining(['stream.created', 'purge.requested', 'key.issued', 'tenant.created']));
    for (const subject of [globex.streamId, globex.keyId, globex.purgeId]) {
      for (const by of ['subject', 'key']) expect((await as(acme.headers, 'GET', `/api/v1/events?${by}=${subject}`)).json.items).toEqual([]);
    }
    for (const tenant of [globex.id, 'nobody'])
      expect((await as(acme.headers, 'GET', `/api/v1/events?tenant=${tenant}`)).json).toEqual({ items: [], nextCursor: null });
    const told = async (query: string, headers: Readonly<Record<string, string>> = platform): Promise<Set<string>> =>
      new Set((await as(headers, 'GET', `/api/v1/events?limit=1000&${query}`)).json.items.map(({ tenant }: { tenant: string }) => tenant));
    expect([await told('tenant=globex'), await told('tenant=acme', acme.headers)]).toEqual([new Set(['globex']), new Set(['acme'])]);
    expect(await told(`tenant=globex&subject=${acme.streamId}`)).toEqual(new Set());
    expect((await as(platform, 'GET', '/api/v1/events?tenant=No%20Tenant')).json.errors).toEqual([expect.objectContaining({ field: 'query.tenant' })]);
  },
  followEvents: async () => {
    const client = new SseClient();
    expect(await client.open(gateway.url, '/api/v1/events/live?from=beginning', acme.headers)).toBe(200);
    await makeKeys(async (mine) => {
      for (let count = 1; !client.messages.some(({ event }) => event.subject === mine); count++) await client.until(count);
    });
    client.close();
    expect(client.messages.map(({ event }) => event.tenant)).toEqual(client.messages.map(() => 'acme'));
  },
  streamEvents: async () => {
    const answer = await fetch(`${gateway.url}/api/v1/events/stream?from=beginning`, { headers: acme.headers });
    let text = '';
    await makeKeys(async (mine) => {
      const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
      while (!text.includes(mine)) text += (await reader.read()).value ?? '';
      await reader.cancel();
    });
    expectOnlyAcme(text.split('\n').slice(0, -1));
  },
  listReadTables: () => expectOwnTables((path, whose) => as(whose === 'acme' ? acme.headers : platform, 'GET', path)),
  readRows: () => expectOwnRows((path) => as(acme.headers, 'GET', path), expectNothingForeign, [acme.streamId, globex.streamId]),
  followRows: async () => {
    const client = new SseClient();
    expect(await client.open(gateway.url, '/api/v1/read-models/stream/live', acme.headers)).toBe(200);
    const seen = (): string => JSON.stringify(client.messages);
    for (let count = 1; !seen().includes(acme.streamId); count++) await client.until(count);
    client.close();
    expect(seen()).not.toContain(globex.streamId);
    expectNothingForeign(await as(acme.headers, 'GET', '/api/v1/read-models/edge/live'));
  },
  socketRows: async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/read-models/stream/ws`, { headers: acme.headers });
    let text = '';
    await new Promise<void>((resolve) => socket.on('message', (data) => ((text += String(data)), text.includes(acme.streamId) && resolve())));
    socket.close();
    expect(text).not.toContain(globex.streamId);
  },
  socketEvents: async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/events/ws?from=beginning`, { headers: acme.headers });
    const lines: string[] = [];
    await makeKeys((mine) => new Promise((resolve) => socket.on('message', (data) => (lines.push(String(data)), String(data).includes(mine) && resolve()))));
    socket.terminate();
    expectOnlyAcme(lines);
  },
  purgeCache: async () => {
    const purge = (url: string, headers: Readonly<Record<string, string>> = acme.headers): Promise<Answer> =>
      as(headers, 'POST', '/api/v1/cdn/cache/purge', { urls: [`/live/${acme.streamId}/master.m3u8`, url] });
    await expectAbsent((id) => purge(`/live/${id}/master.m3u8`), globex.streamId, 'st-aaaaaaaaaaaaaaaa');
    const theirs = globex.streamId;
    const disguised = [`http://x/live/${theirs}/a`, `/live/${acme.streamId}/../${theirs}/a`, `/live/%73${theirs.slice(1)}/a`, '/media/bafy.m4s', '/', '/live/'];
    for (const url of disguised) expect([url, (await purge(url)).status]).toEqual([url, 404]);
    const operator = await world.key(['operate']);
    expect((await purge(`/live/${theirs}/master.m3u8`, operator)).status).toBe(404);
    const { status } = await as({ authorization: operator.authorization }, 'POST', '/api/v1/cdn/cache/purge', { urls: ['/media/bafy.m4s', '/live/st-none/x'] });
    expect(status).toBe(202);
  },
  listPurges: async () => {
    const mine = await as(acme.headers, 'GET', '/api/v1/cdn/purges?limit=100');
    expectNothingForeign(mine);
    expect(mine.text).toContain(acme.purgeId);
    expect((await as(platform, 'GET', '/api/v1/cdn/purges?limit=100')).text).toContain(globex.purgeId);
  },
  showPurge: () => expectAbsent((id) => as(acme.headers, 'GET', `/api/v1/cdn/purges/${id}`), globex.purgeId, 'pg-aaaaaaaaaaaaaaaa'),
  cdnHealth: async () => expect((await as(acme.headers, 'GET', '/api/v1/cdn/health')).status).toBe(403),
  registerEdge: async () => {
    const edge = { id: 'edge-x', url: 'http://x', region: 'x', memoryBytesMax: 0 };
    expect((await as(acme.headers, 'POST', '/api/v1/cdn/edge/register', edge)).status).toBe(403);
  },
  issueKey: async () => {
    const issue = (tenant: string): Promise<Answer> => as(acme.headers, 'POST', '/api/v1/keys', { name: 'spy', scopes: ['view'], tenant });
    await expectAbsent(issue, globex.id, 'nobody');
    for (const tenant of ['default', '*']) expect((await issue(tenant)).status).toBe(404);
    expect((await issue('acme')).status).toBe(201);
    expect((await as(acme.headers, 'POST', '/api/v1/keys', { name: 'greedy', scopes: ['view'], ratePerMinute: 10_000_000 })).status).toBe(403);
  },
  listKeys: async () => {
    for (const query of ['', '?tenant=globex', '?limit=1000']) expectNothingForeign(await as(acme.headers, 'GET', `/api/v1/keys${query}`));
    expect((await as(acme.headers, 'GET', '/api/v1/keys?tenant=globex')).json.items).toEqual([]);
    expect((await as(acme.headers, 'GET', '/api/v1/keys')).text).toContain(acme.keyId);
    expect((await as(platform, 'GET', '/api/v1/keys?tenant=globex')).text).toContain(globex.keyId);
  },
  rotateKey: () => expectAbsent((id) => as(acme.headers, 'POST', `/api/v1/keys/${id}/rotate`, {}), globex.keyId, 'k-none0'),
  revokeKey: () => expectAbsent((id) => as(acme.headers, 'DELETE', `/api/v1/keys/${id}`), globex.keyId, 'k-none0'),
  createTenant: async () => expect((await as(acme.headers, 'POST', '/api/v1/tenants', { id: 'third', name: 'Third' })).status).toBe(403),
  listPlaybacks: async () => {
    for (const [tenant, sessionId] of [
      [acme, 'ps-ours'],
      [globex, 'ps-theirs'],
    ] as const)
      expect((await play(tenant.headers, sessionId)).status).toBe(200);
    await world.settle();
    const list = async (query: string): Promise<string[]> =>
      (await as(acme.headers, 'GET', `/api/v1/playbacks${query}`)).json.items.map(({ id }: { id: string }) => id);
    expect([await list(''), await list('?tenant=globex')]).toEqual([['ps-ours'], []]);
    expect((await as(platform, 'GET', '/api/v1/playbacks?tenant=globex')).json.items).toEqual([expect.objectContaining({ id: 'ps-theirs', tenant: 'globex' })]);
  },
  showAudience: async () => {
    const of = async (headers: Readonly<Record<string, string>>, more = ''): Promise<unknown> =>
      (await as(headers, 'GET', `/api/v1/playbacks/audience?assetKind=stream&assetId=st-shared${more}`)).json;
    await play(acme.headers, 'ps-ours');
    await world.settle();
    expect(await of(acme.headers)).toMatchObject({ viewers: 1, playbacks: 1, startupMs: { median: 900, p95: 900 }, isSample: false });
    expect(await of(acme.headers, '&tenant=globex')).toMatchObject({ viewers: 0 });
  },
  listRefusals: async () => {
    // From an address of its own: of one address only so many kinds of refusal are told apart.
    const from = { 'x-forwarded-for': '192.0.2.9', 'x-streams-edge': edgeProofOf(edgeSecret, '192.0.2.9') };
    for (const { headers } of [acme, globex]) await as({ ...headers, ...from }, 'GET', '/api/v1/tenants');
    const items = async (headers: Readonly<Record<string, string>>, query = ''): Promise<ReadonlyArray<{ tenant: string; operation: string }>> =>
      (await as(headers, 'GET', `/api/v1/refusals${query}`)).json.items as unknown as ReadonlyArray<{ tenant: string; operation: string }>;
    // Nobody waits for a refusal to be recorded.
    const recorded = async (): Promise<boolean> => {
      await world.settle();
      return (await Promise.all([items(acme.headers), items(globex.headers)])).every((found) => found.some(({ operation }) => operation === 'listTenants'));
    };
    while (!(await recorded())) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(new Set((await items(acme.headers)).map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    expect(await items(acme.headers, '?tenant=globex')).toEqual([]);
    expect(await items(platform, '?tenant=globex')).toContainEqual(expect.objectContaining({ tenant: 'globex', operation: 'listTenants' }));
  },
  exportSubject: async () => {
    const asked = { subject: 'viewer:v-shared', reason: 'a test' };
    const data = { sessionId: 'ps-shared', assetKind: 'stream', assetId: 'st-shared', startupMs: 900, viewer: 'v-shared' };
    const event = { specversion: '1.0', id: 'e-shared', source: '/player', type: 'playback.started', data };
    expect((await as(globex.headers, 'POST', '/api/v1/events', event)).status).toBe(200);
    await world.settle();
    for (const more of [{}, { tenant: 'globex' }]) expect((await as(acme.headers, 'POST', '/api/v1/subjects/export', { ...asked, ...more })).status).toBe(404);
    expect((await as(globex.headers, 'POST', '/api/v1/subjects/export', asked)).json.events).toHaveLength(1);
  },
  eraseSubject: async () => {
    const asked = { subject: 'viewer:v-shared', reason: 'a test' };
    for (const more of [{}, { tenant: 'globex' }]) expect((await as(acme.headers, 'POST', '/api/v1/subjects/erase', { ...asked, ...more })).status).toBe(404);
    expect((await as(globex.headers, 'POST', '/api/v1/subjects/export', asked)).text).toContain('v-shared');
  },
  suspendTenant: async () => {
    for (const id of [globex.id, acme.id, 'nobody']) expect((await as(acme.headers, 'POST', `/api/v1/tenants/${id}/suspend`, {})).status).toBe(403);
    expect((await as(platform, 'POST', '/api/v1/tenants/nobody/suspend', {})).json.type).toBe('urn:streams:problem:unknown-tenant');
    expect((await as(platform, 'POST', '/api/v1/tenants/default/suspend', {})).status).toBe(409);
  },
  resumeTenant: async () => {
    for (const id of [globex.id, acme.id, 'nobody']) expect((await as(acme.headers, 'POST', `/api/v1/tenants/${id}/resume`)).status).toBe(403);
    expect((await as(platform, 'POST', '/api/v1/tenants/nobody/resume')).status).toBe(404);
  },
  listTenants: async () => {
    expect((await as(acme.headers, 'GET', '/api/v1/tenants')).status).toBe(403);
    const { json } = await as(platform, 'GET', '/api/v1/tenants');
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual(['acme', 'globex']);
    expect((await as(platform, 'GET', '/api/v1/tenants?after=acme')).json.items).toHaveLength(1);
  },
  ...streamProbes(() => ({ as, acme, globex, expectAbsent })),
  ...featureProbes(() => ({ as, acme, globex, platform, expectNothingForeign, expectAbsent })),
  // Last, because an address has eight kinds of refusal told apart. Read models are the platform's own: a tenant's admin neither sees nor touches them.
  ...Object.fromEntries(
    (
      [
        ['listProjections', 'GET', '/api/v1/projections'],
        ['requestReplay', 'POST', '/api/v1/replays'],
        ['listReplays', 'GET', '/api/v1/replays'],
        ['showReplay', 'GET', '/api/v1/replays/rp-theirs'],
        ['pauseReplay', 'POST', '/api/v1/replays/rp-theirs/pause'],
        ['resumeReplay', 'POST', '/api/v1/replays/rp-theirs/resume'],
        ['cancelReplay', 'POST', '/api/v1/replays/rp-theirs/cancel'],
        ['promoteReplay', 'POST', '/api/v1/replays/rp-theirs/promote'],
        ['rollBackReplay', 'POST', '/api/v1/replays/rp-theirs/rollback'],
        ['showParkedEvent', 'GET', '/api/v1/events/parked/pk-stream-0-0-all'],
        ['retryParkedEvent', 'POST', '/api/v1/events/parked/pk-stream-0-0-all/retry'],
        ['discardParkedEvent', 'POST', '/api/v1/events/parked/pk-stream-0-0-all/discard'],
        ['retryParkedEvents', 'POST', '/api/v1/events/parked/retry'],
        ['showRetention', 'GET', '/api/v1/log'],
        ['listSealedSegments', 'GET', '/api/v1/log/stream/0/segments'],
        ['requestSealing', 'POST', '/api/v1/log/sealings'],
        ['showSealing', 'GET', '/api/v1/log/sealings/sl-theirs'],
        ['createSandbox', 'POST', '/api/v1/sandboxes'],
        ['listSandboxes', 'GET', '/api/v1/sandboxes'],
        ['showSandbox', 'GET', '/api/v1/sandboxes/theirs'],
        ['dropSandbox', 'DELETE', '/api/v1/sandboxes/theirs'],
        ['compareSandbox', 'GET', '/api/v1/sandboxes/theirs/differences?projection=streams'],
        ['readSandboxRows', 'GET', '/api/v1/sandboxes/theirs/rows/stream'],
        ['listSandboxStreams', 'GET', '/api/v1/sandboxes/theirs/streams'],
        ['showSandboxStream', 'GET', '/api/v1/sandboxes/theirs/streams/st-aaaaaaaaaaaaaaaa'],
        ['showSandboxPurge', 'GET', '/api/v1/sandboxes/theirs/purges/pg-aaaaaaaa'],
        ...effectOperations,
      ] as const
    ).map(([id, method, path]) => [
      id,
      async () => {
        const body =
          method === 'POST'
            ? {
                ...(id === 'requestReplay' ? { projection: 'streams' } : {}),
                ...(id === 'discardParkedEvent' ? { reason: 'a test' } : {}),
                ...(id === 'requestSealing' ? { olderThanSeconds: 1 } : {}),
                ...(id === 'createSandbox' ? { name: 'theirs' } : {}),
              }
            : undefined;
        const answer = await as(acme.headers, method, path, body);
        expectNothingForeign(answer);
        expect(answer.status).toBe(403);
      },
    ]),
  ),
};

/** What probes give globex to be kept from acme. */
const causedInGlobex: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(['followEvents', 'streamEvents', 'socketEvents'].map((id) => [id, ['key.issued']])),
  showClip: ['clip.requested'],
  showContent: ['content.published'],
  listPlaybacks: ['playback.started'],
  listRefusals: ['access.refused'],
  exportSubject: ['subject.exported', 'playback.started'],
  eraseSubject: ['subject.exported'],
};

describe('a tenant', () => {
  test('is kept apart in every operation that there is', () => {
    // A new operation? Say here what it keeps from other tenants.
    expect(Object.keys(probes).sort()).toEqual(operations.map(({ id }) => id).sort());
  });

  test.each(Object.keys(probes))('sees and changes nothing of another: %s', async (id) => {
    const caused = causedInGlobex[id] ?? [];
    const before = await eventsOf(world, 'globex');
    await probes[id]?.();
    const after = await eventsOf(world, 'globex');
    expect(after.filter((event) => !before.includes(event)).map((event) => event.split(' ')[1])).toEqual(caused);
  });

  test('has its facts on the log under its own name: what the platform stops stays its own', async () => {
    const { id } = (await as(globex.headers, 'POST', '/api/v1/stream/start', { name: 'to be stopped' })).json;
    expect((await as(platform, 'POST', '/api/v1/stream/stop', { id })).status).toBe(200);
    await world.settle();
    const { json } = await as(globex.headers, 'GET', `/api/v1/events?subject=${id}&order=oldest`);
    expect(json.items.map(({ type, tenant }) => [type, tenant])).toEqual([
      ['stream.created', 'globex'],
      ['stream.stopped', 'globex'],
    ]);
  });

  test('plays to everybody: playlists and media have no tenants', async () => {
    for (const { streamId } of [acme, globex]) expect((await as({}, 'GET', `/live/${streamId}/master.m3u8`)).status).toBe(200);
  });

  test('keeps a key of fewer contexts to them', async () => {
    const issued = await as(acme.headers, 'POST', '/api/v1/keys', { name: 'streams only', scopes: ['admin'], contexts: ['stream'] });
    const only = { authorization: `Bearer ${issued.json.key}` };
    expect((await as(only, 'GET', '/api/v1/streams')).status).toBe(200);
    for (const path of ['/api/v1/keys', `/api/v1/cdn/purges/${acme.purgeId}`]) {
      const { status, json } = await as(only, 'GET', path);
      expect([path, status, json.type]).toEqual([path, 403, 'urn:streams:problem:other-context']);
    }
    expect((await as(only, 'GET', '/api/v1/events?context=access')).json.items).toEqual([]);
    const { json } = await as(only, 'GET', '/api/v1/events?limit=1000');
    expect(new Set(json.items.map((event: { topic: string }) => event.topic))).toEqual(new Set(['stream']));
  });
});
