import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { edgeReported, noLoad } from '#events';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let admin: string;

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  admin = (await world.key(['admin'])).authorization;
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const call = (method: string, path: string, body?: object, authorization = admin): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { authorization }, ...(body === undefined ? {} : { body }) });
const register = (id: string, authorization: string, more: object = {}): Promise<Answer> =>
  call('POST', '/api/v1/cdn/edge/register', { id, url: `http://${id}.example:8081`, ...more }, authorization);
const decide = (id: string, verb: string, reason = 'disks'): Promise<Answer> => call('POST', `/api/v1/cdn/edges/${id}/${verb}`, { reason });

async function edgeKey(): Promise<{ readonly id: string; readonly authorization: string }> {
  const { json } = await call('POST', '/api/v1/keys', { name: 'an edge', scopes: ['edge'] });
  return { id: json.id as string, authorization: `Bearer ${json.key}` };
}

async function reports(edgeId: string, more: object = {}): Promise<void> {
  const counters = { requests: 10, hits: 9, misses: 1, collapsed: 0, originFetches: 1, originErrors: 0, bytesServed: 100, bytesFromOrigin: 10 };
  const draft = edgeReported.draft({ edgeId, incarnation: 1, ...counters, objects: 1, memoryBytes: 1, ...noLoad, ...more });
  await world.facts.publish('edge', [draft], { producer: { id: `edge:${edgeId}`, epoch: 1n } });
  await world.settle();
}

async function shown(id: string): Promise<Answer['json']> {
  await world.settle();
  return (await call('GET', `/api/v1/cdn/edges/${id}`)).json;
}

describe('edges', () => {
  const ability = {
    region: 'eu',
    urls: ['https://ams.example.net'],
    addresses: ['192.0.2.1', '2001:db8::1'],
    location: { latitude: 52.37, longitude: 4.9 },
    protocols: ['http/1.1', 'h2', 'h3'],
    ...{ memoryBytesMax: 1024, diskBytesMax: 4096, processes: 2, bitsPerSecondMax: 1e10, connectionsMax: 1000, programVersion: '1.2.3' },
  };

  test('say what they can do by their key, and are bound to it for as long as it works', async () => {
    const [first, other] = [await edgeKey(), await edgeKey()];
    expect((await register('ams-1', first.authorization, ability)).json).toMatchObject({ id: 'ams-1', standing: 'serving', keyId: first.id });
    await reports('ams-1', { connections: 7, cpu: 0.5 });
    expect(await shown('ams-1')).toMatchObject({ status: 'up', keyId: first.id, ...ability, load: { connections: 7, cpu: 0.5 } });
    // A key of another edge does not speak for this one.
    const stolen = await register('ams-1', other.authorization, { ...ability, url: 'http://stolen.example' });
    expect([stolen.status, stolen.json.type]).toEqual([409, 'urn:streams:problem:another-key']);
    expect(await shown('ams-1')).toMatchObject({ url: 'http://ams-1.example:8081' });

    expect((await call('DELETE', `/api/v1/keys/${first.id}`)).status).toBeLessThan(300);
    expect(await shown('ams-1')).toMatchObject({ status: 'refused', reason: `its key ${first.id} is revoked` });
    const health = (await call('GET', '/api/v1/cdn/health')).json;
    expect(health).toMatchObject({ status: 'empty', hitRatio: null });
    expect((await register('ams-1', other.authorization, ability)).json).toMatchObject({ keyId: other.id });
    expect(await shown('ams-1')).toMatchObject({ status: 'up', keyId: other.id });
  });

  test('are announced by an admin without being bound to the admin’s key', async () => {
    expect((await register('announced', admin)).json).toMatchObject({ standing: 'serving', keyId: null });
    expect(await shown('announced')).toMatchObject({ status: 'announced', keyId: null, node: 'announced' });
    const key = await edgeKey();
    expect((await register('announced', key.authorization)).json).toMatchObject({ keyId: key.id });
  });

  test('are drained, removed and taken back, with reasons on record', async () => {
    const { authorization } = await edgeKey();
    await register('fra-1', authorization);
    await register('fra-1.1', authorization, { node: 'fra-1' });
    await Promise.all([reports('fra-1'), reports('fra-1.1')]);
    expect((await decide('fra-1', 'drain')).json).toEqual({ id: 'fra-1', standing: 'draining' });
    for (const id of ['fra-1', 'fra-1.1']) expect(await shown(id)).toMatchObject({ status: 'draining', reason: 'disks' });
    expect((await register('fra-1.1', authorization, { node: 'fra-1' })).json).toMatchObject({ standing: 'draining' });
    expect((await decide('fra-1', 'resume', 'done')).json).toMatchObject({ standing: 'serving' });
    expect((await decide('fra-1', 'remove', 'sold')).json).toMatchObject({ standing: 'removed' });
    await reports('fra-1', { requests: 999 });
    expect(await shown('fra-1')).toMatchObject({ status: 'removed', reason: 'sold' });
    for (const [id, more] of [
      ['fra-1', {}],
      ['fra-1.1', { node: 'fra-1' }],
    ] as const) {
      const refused = await register(id, authorization, more);
      expect([refused.status, refused.json.type]).toEqual([409, 'urn:streams:problem:edge-removed']);
    }
    expect((await decide('fra-1', 'drain')).status).toBe(409);
    expect((await decide('fra-1', 'resume', 'bought back')).json).toMatchObject({ standing: 'serving' });
    expect((await register('fra-1', authorization)).status).toBe(200);
    expect(await shown('fra-1')).toMatchObject({ status: 'up' });
    const events = (await call('GET', '/api/v1/events?subject=edge%3Afra-1')).json;
    expect(JSON.stringify(events)).toContain('bought back');
  });

  test('what there is not, and what has no reason, is refused', async () => {
    expect((await call('GET', '/api/v1/cdn/edges/nobody')).status).toBe(404);
    expect((await decide('nobody', 'drain')).status).toBe(404);
    expect((await decide('ams-1', 'drain', '')).json.detail).toContain('body.reason');
    const viewer = (await call('POST', '/api/v1/keys', { name: 'v', scopes: ['view'] })).json.key as string;
    expect((await call('POST', '/api/v1/cdn/edges/ams-1/drain', { reason: 'a test' }, `Bearer ${viewer}`)).status).toBe(403);
    expect((await register('ams-1', `Bearer ${viewer}`)).status).toBe(403);
    for (const wrong of [{ addresses: ['192.0.2'] }, { location: { latitude: 91, longitude: 0 } }, { urls: ['ftp://x'] }])
      expect((await register('bad', admin, wrong)).status).toBe(400);
  });

  test('where each must show a key, one that has none is none of ours', async () => {
    await using strict = await startGateway(world.engines, world.consolePath, {}, 0, { edgeKeysRequired: true });
    await reports('keyless');
    const edge = await ask(strict.url, '/api/v1/cdn/edges/keyless', { headers: { authorization: admin } });
    expect(edge.json).toMatchObject({ status: 'refused', reason: 'it has shown no key' });
    expect(await shown('keyless')).toMatchObject({ status: 'up' });
  });

  test('are told which others are up, those of their region first, and neither themselves nor who is drained', async () => {
    const key = await edgeKey();
    const kept = { url: 'http://192.0.2.9:8081' };
    for (const [id, region] of [
      ['p-1', 'eu'],
      ['p-2', 'us'],
      ['p-3', 'eu'],
      ['p-4', 'eu'],
      ['p-5', 'eu'],
    ] as const)
      // prettier-ignore
      await register(id, admin, { region, ...(id === 'p-1' ? kept : {}), ...(id === 'p-5' ? { node: 'p-1' } : {}) });
    for (const [id, bitsPerSecond] of [['p-1', 1], ['p-2', 9], ['p-3', 5], ['p-5', 7]] as const) await reports(id, { bitsPerSecond }); // prettier-ignore
    const peers = async (query: string): Promise<unknown> => {
      await world.settle();
      const { json, status } = await call('GET', `/api/v1/cdn/edge/peers?${query}`, undefined, key.authorization);
      expect(status).toBe(200);
      return (json.items as unknown as { readonly id: string }[]).map(({ id }) => id).filter((id) => id.startsWith('p-'));
    };
    // The one that never reported is none to ask.
    expect(await peers('id=p-3')).toEqual(['p-5', 'p-1', 'p-2']);
    expect(await peers('id=p-1')).toEqual(['p-3', 'p-2']);
    expect(await peers('id=new&region=us')).toEqual(['p-2', 'p-5', 'p-3', 'p-1']);
    await decide('p-3', 'drain');
    expect(await peers('id=new&region=us')).toEqual(['p-2', 'p-5', 'p-1']);
    const view = (await world.key(['view'])).authorization;
    expect((await call('GET', '/api/v1/cdn/edge/peers?id=p-1', undefined, view)).status).toBe(403);
  });
});
