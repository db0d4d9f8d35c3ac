import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { zoneAggregate, zoneClaimsAggregate } from '#domain/edge';
import { signatureHeaders } from '#adapters/webhook';
import { edgeRegistered, plainEdge, topicPartitions, type StoredRecord } from '#events';
import { partitionOf } from '#kernel';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let headers: { authorization: string };

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const path = '/api/v1/cdn/zones';
const origins = [{ url: 'https://origin.example' }];
const call = (method: string, where: string, body?: object, more: Record<string, string> = {}): Promise<Answer> =>
  ask(gateway.url, where, { method, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) });

async function register(edgeId: string, url: string): Promise<void> {
  await world.facts.publish('edge', [edgeRegistered.draft(plainEdge({ edgeId, url, region: 'local', memoryBytesMax: 1 }))], {
    producer: { id: `edge:${edgeId}`, epoch: 1n },
  });
}

/** What an edge said of itself, as it comes from another region, where it is that edge. */
async function mirrorLast(edgeId: string, as: { readonly edgeId: string; readonly url: string }): Promise<void> {
  const { records } = await world.engines.log.read('edge', partitionOf(edgeId, topicPartitions), 0n, { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 });
  const last = records.findLast(({ key, headers }) => key === edgeId && headers['ce_type'] === edgeRegistered.type) as StoredRecord;
  const headers = Object.fromEntries(Object.entries(last.headers).map(([name, value]) => [name, value.replaceAll(edgeId, as.edgeId)]));
  const copy = { ...headers, ce_id: `${headers['ce_id']}-${as.edgeId}-copy`, ce_origin: 'south' };
  await world.engines.log.append('edge', [{ key: as.edgeId, value: JSON.stringify({ ...JSON.parse(last.value), ...as, region: 'south' }), headers: copy }]);
}

describe('zones', () => {
  test('are changed at the version that was seen, listed with their past, brought back, and removed', async () => {
    const made = await call('PUT', `${path}/shop`, { hosts: ['www.shop.example'], origins, reason: 'first' }, { 'if-none-match': '*' });
    expect(made).toMatchObject({ status: 200, json: { name: 'shop', tenant: 'default', version: 1, epoch: 1, etag: '"1"', shieldUrl: null } });
    expect(made.headers.etag).toBe('"1"');
    expect((await call('PUT', `${path}/shop`, { hosts: ['www.shop.example'], origins }, { 'if-none-match': '*' })).status).toBe(412);
    const change = { hosts: ['www.shop.example', '*.img.shop.example'], origins, query: { kind: 'none' } };
    expect((await call('PUT', `${path}/shop`, change, { 'if-match': '"1"' })).json).toMatchObject({ version: 2, epoch: 2 });
    expect((await call('PUT', `${path}/shop`, change, { 'if-match': '"1"' })).json).toMatchObject({
      type: 'urn:streams:problem:version-mismatch',
      status: 412,
    });
    expect((await call('PUT', `${path}/shop`, change, { 'if-match': 'two' })).json.detail).toContain('headers.if-match');
    await world.settle();
    expect((await call('GET', path)).json.items).toMatchObject([{ name: 'shop', version: 2, configuration: change }]);
    expect((await call('POST', `${path}/shop/rollback`, { version: 1, reason: 'worse' })).json).toMatchObject({
      version: 3,
      epoch: 3,
      configuration: { hosts: ['www.shop.example'], origins },
    });
    expect((await call('POST', `${path}/shop/rollback`, { version: 99 })).status).toBe(404);
    expect((await call('DELETE', `${path}/shop`, undefined, { 'if-match': '"2"' })).status).toBe(412);
    expect((await call('DELETE', `${path}/shop?reason=moved`, undefined, { 'if-match': '"3"' })).status).toBe(204);
    expect((await call('GET', `${path}/shop`)).status).toBe(404);
    await world.settle();
    expect((await call('GET', `${path}/shop/versions`)).json.items).toMatchObject([
      { version: 4, removed: true, reason: 'moved' },
      { version: 3, rolledBackTo: 1, reason: 'worse' },
      { version: 2, removed: false },
      { version: 1, reason: 'first' },
    ]);
    expect((await call('GET', `${path}/shop/versions/2`)).json).toMatchObject({ configuration: change });
    expect((await call('POST', `${path}/shop/rollback`, { version: 4 })).json.detail).toContain('removed the zone');
    // What was removed gave its hosts back.
    expect((await call('PUT', `${path}/other`, { hosts: ['x.img.shop.example'], origins })).status).toBe(200);
  });

  test('what cannot be served is refused, by its place', async () => {
    const cases: ReadonlyArray<readonly [object, string]> = [
      [{ hosts: ['a.example'], origins, nonsense: 1 }, 'body.nonsense'],
      [{ hosts: ['a.example'], origins: [{ url: 'https://o.example', wait: 1 }] }, 'body.origins.0.wait'],
      [{ hosts: ['a.example'], origins, rules: [{ ttl: { override: -1 } }] }, 'body.rules.0.ttl.override'],
      [{ hosts: ['a.example'], origins, rules: [{ match: { paths: ['x'] } }] }, 'body.rules.0.match.paths.0'],
      [{ hosts: ['a.example'], origins, shield: 'edge-9' }, 'body.shield'],
      ...['http://127.0.0.1', 'http://169.254.169.254', 'http://[::1]:8080', 'http://localhost:81', 'http://10.0.0.1', 'http://2130706433'].map(
        (url) => [{ hosts: ['a.example'], origins: [{ url }] }, 'body.origins.0.url'] as const,
      ),
    ];
    for (const [body, field] of cases) {
      const answer = await call('PUT', `${path}/bad`, body);
      expect([answer.status, answer.json.detail]).toEqual([400, expect.stringContaining(field)]);
    }
    expect((await call('GET', `${path}/bad`)).status).toBe(404);
  });

  test('no zone gets a host at which the platform itself is reached, nor what lies above one', async () => {
    await register('edge-5', 'http://edge-5.cdn.example.net:8081');
    await world.settle();
    // By the settings, and by what an edge says.
    for (const host of ['localhost', 'media.example', '*.example.net', 'edge-5.cdn.example.net']) {
      const answer = await call('PUT', `${path}/taken`, { hosts: ['mine.example', host], origins });
      expect([answer.status, answer.json.detail]).toEqual([409, `body.hosts: ${host}: The platform itself is reached here or below.`]);
    }
    expect((await call('PUT', `${path}/taken`, { hosts: ['mine.example', 'edge-6.cdn.example.net'], origins })).status).toBe(200);
  });

  test('a shield is an edge of the platform, reached where it said that it is', async () => {
    await register('edge-7', 'http://10.0.0.7:8081');
    await world.settle();
    expect((await call('PUT', `${path}/shielded`, { hosts: ['shielded.example'], origins, shield: 'edge-7' })).json).toMatchObject({
      shieldUrl: 'http://10.0.0.7:8081',
    });
  });

  test('a shield is never an edge of another region, also where that has the same name', async () => {
    // Heard of before and after our own of that name, and one that only the other region has.
    await register('edge-6', 'http://10.0.0.6:8081');
    await mirrorLast('edge-6', { edgeId: 'edge-8', url: 'http://192.0.2.8:8081' });
    await register('edge-8', 'http://10.0.0.8:8081');
    await mirrorLast('edge-8', { edgeId: 'edge-8', url: 'http://192.0.2.88:8081' });
    await mirrorLast('edge-8', { edgeId: 'edge-south', url: 'http://192.0.2.9:8081' });
    await world.settle();
    const shieldOf = async (name: string, shield: string): Promise<Answer> => call('PUT', `${path}/${name}`, { hosts: [`${name}.example`], origins, shield });
    expect((await shieldOf('ours', 'edge-8')).json).toMatchObject({ shieldUrl: 'http://10.0.0.8:8081' });
    expect(await shieldOf('theirs', 'edge-south')).toMatchObject({ status: 400, json: { detail: 'body.shield: There is no edge edge-south.' } });
  });

  test('of many that want one host at once exactly one has it, and what the others had asked for besides is free', async () => {
    const wishes = Array.from({ length: 8 }, (_, at) => ({ hosts: [`own-${at}.a.example`, 'wanted.b.example'], origins }));
    const answers = await Promise.all(wishes.map((body, at) => call('PUT', `${path}/racer-${at}`, body)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(409)]);
    const won = answers.findIndex(({ status }) => status === 200);
    for (const at of wishes.keys()) {
      const status = (await call('PUT', `${path}/later-${at}`, { hosts: [`own-${at}.a.example`], origins })).status;
      expect(status).toBe(at === won ? 409 : 200);
    }
  });

  test('a claim of a request that died before its zone was made gives way after a minute', async () => {
    const claim = { type: 'ClaimZoneHosts' as const, domain: 'late.example', zoneId: 'zn-dead', owner: 'default', hosts: ['www.late.example'], void: [] };
    const meta = { actor: 'key:k', correlationId: 'c' };
    await world.commands.execute(zoneClaimsAggregate, 'hosts:late.example', { ...claim, claimedAtMs: world.engines.clock.now() }, meta);
    const wish = { hosts: ['www.late.example'], origins };
    expect((await call('PUT', `${path}/late`, wish)).status).toBe(409);
    await world.commands.execute(zoneClaimsAggregate, 'hosts:late.example', { ...claim, hosts: [], claimedAtMs: 1 }, meta);
    await world.commands.execute(zoneClaimsAggregate, 'hosts:late.example', { ...claim, claimedAtMs: world.engines.clock.now() - 61_000 }, meta);
    expect((await call('PUT', `${path}/late`, wish)).status).toBe(200);
    expect(await world.engines.aggregates.load(zoneAggregate.context, 'zn-dead')).toBeUndefined();
  });
});

describe('what origins say that changed', () => {
  const hook = async (name: string, hosts: readonly string[]): Promise<{ path: string; secret: Buffer }> => {
    expect((await call('PUT', `${path}/${name}`, { hosts, origins })).status).toBe(200);
    const shown = (await call('POST', `${path}/${name}/hook`)).json as unknown as { path: string; secret: string };
    return { path: shown.path, secret: Buffer.from(shown.secret.replace('whsec_', ''), 'base64') };
  };
  const say = (
    to: string,
    secret: Uint8Array,
    message: object,
    { id = `msg-${Math.random()}`, seconds = Math.floor(Date.now() / 1000), sent = message } = {},
  ) => {
    const signed = signatureHeaders({ id, timestamp: seconds, body: JSON.stringify(message) }, [secret]);
    return ask(gateway.url, to, { method: 'POST', headers: { ...signed, 'content-type': 'application/json' }, body: JSON.stringify(sent) });
  };
  const purgeOf = async (answer: Answer): Promise<string> => {
    expect([answer.status, answer.json]).toEqual([202, { purgeId: expect.stringMatching(/^pg-/) }]);
    const { purgeId } = answer.json as unknown as { purgeId: string };
    expect((await world.engines.aggregates.load('cache', purgeId))?.tenant).toBe('default');
    return purgeId;
  };

  test('is a purge of the tenant, once for each webhook-id', async () => {
    const { path: to, secret } = await hook('said', ['www.said.example', '*.said.example']);
    const first = await purgeOf(await say(to, secret, { urls: ['https://x.said.example/a?b=1', '/p.q'], tags: ['news'], mode: 'soft' }, { id: 'one' }));
    expect(await purgeOf(await say(to, secret, { urls: ['https://x.said.example/a?b=1', '/p.q'], tags: ['news'], mode: 'soft' }, { id: 'one' }))).toBe(first);
    expect((await say(to, secret, { all: true }, { id: 'one' })).status).toBe(422);
    await purgeOf(await say(to, secret, { all: true }, { id: 'two' }));
    await world.settle();
    const { json } = await call('GET', `/api/v1/cdn/purges/${first}`);
    expect(json).toMatchObject({ mode: 'soft', requestedBy: expect.stringMatching(/^zone:zn-/), urls: ['https://x.said.example/a?b=1'] });
    expect(JSON.stringify(json)).toContain('p\\\\.q');
  });

  test('counts for nothing without the signature of this zone, of now, over these bytes', async () => {
    const { path: to, secret } = await hook('guarded', ['www.guarded.example']);
    const other = await hook('guarded-too', ['www.guarded-too.example']);
    const message = { urls: ['/a'] };
    const refused = [
      await say(to, other.secret, message),
      await say(to, secret, message, { seconds: Math.floor(Date.now() / 1000) - 301 }),
      await say(to, secret, message, { sent: { urls: ['/b'] } as never }),
      await say('/api/v1/zones/zn-nothere/changed', secret, message),
      await say('/api/v1/zones/hosts:guarded.example/changed', secret, message),
      await ask(gateway.url, to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
    expect(new Set(refused.map(({ json }) => json.detail)).size).toBe(1);
    expect((await say(to, secret, { urls: ['https://www.guarded-too.example/a'] })).json).toMatchObject({
      status: 400,
      detail: expect.stringContaining('body.urls.0'),
    });
    expect((await say(to, secret, {})).status).toBe(400);
    expect((await say(to, secret, { url: ['/a'] } as object)).status).toBe(400);
    // A new secret voids the one before.
    await call('POST', `${path}/guarded/hook`);
    expect((await say(to, secret, message)).status).toBe(401);
  });
});
