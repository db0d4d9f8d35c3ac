import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let closed: RunningGateway;

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath, {}, 0, { corsOrigins: ['https://studio.example'] });
  closed = await startGateway(world.engines, world.consolePath);
});

afterAll(async () => {
  await gateway.stop();
  await closed.stop();
  await world.close();
});

const preflight = (url: string, origin: string) =>
  ask(url, '/api/v1/events', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });

test('a page of an allowed origin may ask, and read the answer, a refusal included', async () => {
  const asked = await preflight(gateway.url, 'https://studio.example');
  expect(asked).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': 'https://studio.example', vary: 'origin' } });
  expect(asked.headers['access-control-allow-headers']).toContain('authorization');
  expect(asked.headers['access-control-allow-methods']).toContain('POST');
  const refused = await ask(gateway.url, '/api/v1/events', { headers: { origin: 'https://studio.example' } });
  expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': 'https://studio.example' } });
  expect(refused.headers['access-control-allow-credentials']).toBeUndefined();
});

test.each<[string, () => string, string]>([
  ['of another origin', () => gateway.url, 'https://evil.example'],
  ['where none is allowed', () => closed.url, 'https://studio.example'],
])('a page %s may not', async (_, url, origin) => {
  const asked = await preflight(url(), origin);
  expect(asked.status).toBeGreaterThanOrEqual(400);
  for (const answer of [asked, await ask(url(), '/api/v1/events', { headers: { origin } })])
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
});
