import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { EffectWorld, type EffectItem } from './effect-world.ts';
import { Receiver, signaturesBy, type Received } from './receiver.ts';

let world: EffectWorld;
let receiver: Receiver;

beforeAll(async () => {
  world = await EffectWorld.open();
});
afterAll(() => world.stop());
beforeEach(async () => {
  receiver = await Receiver.open();
});
afterEach(async () => {
  for (const { id } of (await world.ask('GET', '/api/v1/webhooks')).json.items) await world.ask('DELETE', `/api/v1/webhooks/${id}`);
  await receiver.close();
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}

interface Registered {
  readonly id: string;
  readonly secret: string;
}

async function register(more: object = {}, path = '/hook'): Promise<Registered> {
  const { status, json } = await world.ask('POST', '/api/v1/webhooks', { url: `${receiver.url}${path}`, types: ['content.published'], ...more });
  expect(status).toBe(201);
  return json;
}

let published = 0;
async function publish(contentId = `c-${++published}`): Promise<string> {
  const data = { contentId, url: `https://origin.example/${contentId}`, contentType: 'video/mp4' };
  const event = { specversion: '1.0', id: `e-${contentId}-${++published}`, source: '/cms', type: 'content.published', data };
  expect((await world.ask('POST', '/api/v1/events', event)).status).toBe(200);
  return event.id;
}

const deliveriesOf = async ({ id }: Registered): Promise<readonly EffectItem[]> => (await world.ask('GET', `/api/v1/webhooks/${id}/deliveries`)).json.items;

async function ended(webhook: Registered, count = 1): Promise<ReturnType<typeof deliveriesOf>> {
  await until(async () => (await deliveriesOf(webhook)).filter(({ state }) => state !== 'pending').length >= count);
  return deliveriesOf(webhook);
}

const idsOf = (all: readonly Received[]): unknown[] => all.map(({ headers }) => headers['webhook-id']);

describe('delivering', () => {
  test('an event arrives as a signed CloudEvent, and the log of deliveries shows it', async () => {
    receiver.reply = () => ({ status: 200, body: 'thank you' });
    const webhook = await register();
    expect(webhook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const eventId = await publish();
    const [delivery] = await ended(webhook);
    const [got] = receiver.received;
    expect(receiver.received).toHaveLength(1);
    expect(got?.headers).toMatchObject({ 'content-type': 'application/cloudevents+json; charset=utf-8', 'webhook-id': delivery?.['id'] });
    expect(JSON.parse(got?.body ?? '')).toMatchObject({ specversion: '1.0', id: eventId, type: 'content.published', data: { contentType: 'video/mp4' } });
    expect(signaturesBy(webhook.secret, got as Received)).toBe(1);
    expect(signaturesBy(`whsec_${Buffer.alloc(32).toString('base64')}`, got as Received)).toBe(0);
    expect(delivery).toMatchObject({ state: 'succeeded', attempts: 1, eventId, tries: [{ ok: true, status: 200, detail: 'thank you' }] });
    await world.world.settle();
    const { json } = await world.ask('GET', `/api/v1/events?subject=${String(delivery?.['id'])}`);
    expect(json.items).toMatchObject([{ type: 'effect.succeeded', causationid: eventId, data: { kind: 'webhook-delivery', lane: webhook.id } }]);
  });

  test('the secret is nowhere on the log, and nobody shows it again', async () => {
    const webhook = await register();
    await world.world.settle();
    const { text } = await world.ask('GET', `/api/v1/events?subject=${webhook.id}`);
    expect(text).toContain('webhook.registered');
    expect(text).not.toContain(webhook.secret.slice(6));
    expect((await world.ask('GET', `/api/v1/webhooks/${webhook.id}`)).text).not.toContain('whsec_');
  });

  test('a webhook gets what it wants, from its registration on', async () => {
    await publish('c-wanted');
    const webhook = await register({ subject: 'c-wanted' });
    const wanted = [await publish('c-wanted'), await publish('c-wanted')];
    await publish('c-other');
    await ended(webhook, 2);
    await sleep(100);
    expect((await deliveriesOf(webhook)).map(({ eventId }) => eventId).toSorted()).toEqual(wanted.toSorted());
  });

  test('while secrets change, both sign; then the new one alone', async () => {
    const webhook = await register();
    const { json } = await world.ask('POST', `/api/v1/webhooks/${webhook.id}/rotate`, { overlapSeconds: 600 });
    await publish();
    await ended(webhook);
    const both = receiver.received[0] as Received;
    expect([signaturesBy(webhook.secret, both), signaturesBy(json.secret, both)]).toEqual([1, 1]);
    const last = (await world.ask('POST', `/api/v1/webhooks/${webhook.id}/rotate`, { overlapSeconds: 0 })).json.secret;
    await publish();
    await ended(webhook, 2);
    const one = receiver.received[1] as Received;
    expect([signaturesBy(json.secret, one), signaturesBy(last, one)]).toEqual([0, 1]);
  });

  test('a test arrives, whatever else the webhook wants', async () => {
    const webhook = await register({ contexts: ['edge'], types: ['edge.registered'] });
    const { json } = await world.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    const [delivery] = await ended(webhook);
    expect(delivery).toMatchObject({ eventId: json.eventId, eventType: 'webhook.test-requested' });
  });
});

describe('trying again', () => {
  test('one that fails at first arrives under the same id; the answers are kept', async () => {
    receiver.reply = () => (receiver.received.length < 3 ? { status: 503, body: 'x'.repeat(5000) } : { status: 200 });
    const webhook = await register();
    await publish();
    const [delivery] = await ended(webhook);
    expect(delivery).toMatchObject({ state: 'succeeded', attempts: 3 });
    expect(delivery?.tries.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(String(delivery?.tries[0]?.['detail'])).toHaveLength(1024);
    expect(new Set(idsOf(receiver.received)).size).toBe(1);
  });

  test('Retry-After is honoured', async () => {
    const at: number[] = [];
    receiver.reply = () => (at.push(performance.now()), at.length === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { status: 200 });
    await ended(await register().then(async (webhook) => (await publish(), webhook)));
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1990);
  });

  test('one whose tries are used up is given up, and a webhook that took nothing all the while is disabled', async () => {
    receiver.reply = () => ({ status: 500 });
    const webhook = await register();
    await publish();
    const [delivery] = await ended(webhook);
    expect(delivery).toMatchObject({ state: 'abandoned', attempts: 3, lastError: 'HTTP 500' });
    expect((await world.ask('GET', `/api/v1/webhooks/${webhook.id}`)).json).toMatchObject({ status: 'disabled', disabledBecause: 'failing' });
    await world.world.settle();
    const events = (await world.ask('GET', `/api/v1/events?subject=${webhook.id}`)).json.items;
    expect(events[0]).toMatchObject({ type: 'webhook.disabled', actor: 'system:effects', data: { reason: 'failing', detail: 'HTTP 500' } });
  });

  test('410 disables at once; enabled again, what failed is delivered when somebody asks', async () => {
    receiver.reply = () => ({ status: receiver.received.length === 1 ? 410 : 200 });
    const webhook = await register();
    await publish();
    const [delivery] = await ended(webhook);
    expect(delivery).toMatchObject({ state: 'failed', attempts: 1 });
    expect((await world.ask('GET', `/api/v1/webhooks/${webhook.id}`)).json).toMatchObject({ status: 'disabled', disabledBecause: 'gone' });
    expect((await world.ask('PATCH', `/api/v1/webhooks/${webhook.id}`, { enabled: true })).json).toMatchObject({ status: 'enabled', disabledBecause: null });
    expect((await world.ask('POST', `/api/v1/webhooks/${webhook.id}/deliveries/${String(delivery?.['id'])}/redeliver`)).status).toBe(202);
    await until(async () => (await deliveriesOf(webhook))[0]?.['state'] === 'succeeded');
    expect(new Set(idsOf(receiver.received)).size).toBe(1);
    expect(receiver.received).toHaveLength(2);
  });

  test('redirects are not followed, and a receiver that never answers is left after its time', async () => {
    receiver.reply = ({ path }) => (path === '/away' ? { status: 302, headers: { location: `${receiver.url}/elsewhere` } } : { status: 200, silent: true });
    const [away, silent] = [await register({}, '/away'), await register({}, '/silent')];
    await publish();
    expect((await ended(away))[0]).toMatchObject({ state: 'abandoned', lastError: 'HTTP 302' });
    expect((await ended(silent))[0]).toMatchObject({ state: 'abandoned', lastError: 'No answer within 1.5 s.' });
    expect(receiver.received.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test('a slow receiver does not hold up the others', async () => {
    const open = Promise.withResolvers<{ status: number }>();
    receiver.reply = ({ path }) => (path === '/slow' ? open.promise : { status: 204 });
    const [slow, quick] = [await register({}, '/slow'), await register({}, '/quick')];
    for (let count = 0; count < 30; count++) await publish();
    await ended(quick, 20);
    expect((await deliveriesOf(slow)).filter(({ state }) => state !== 'pending')).toEqual([]);
    open.resolve({ status: 204 });
    await ended(slow, 20);
    await ended(quick, 20);
  });
});

describe('the door', () => {
  test('bad webhooks are refused, each with the field at fault', async () => {
    const refusals: ReadonlyArray<readonly [object, string]> = [
      [{ url: 'nonsense' }, 'body.url'],
      [{ url: 'ftp://example.com' }, 'body.url'],
      [{ url: 'https://u:p@example.com' }, 'body.url'],
      [{ url: 'https://example.com', types: ['no.such'] }, 'body.types.0'],
      [{ url: 'https://example.com', types: ['effect.succeeded'] }, 'body.types.0'],
      [{ url: 'https://example.com', contexts: ['nowhere'] }, 'body.contexts.0'],
      [{}, 'body.url'],
    ];
    for (const [body, field] of refusals) {
      const { status, json } = await world.ask('POST', '/api/v1/webhooks', body);
      expect([status, json.errors?.[0]?.field]).toEqual([400, field]);
    }
    expect((await world.ask('GET', '/api/v1/webhooks')).json.items).toEqual([]);
  });

  test('the same Idempotency-Key is the same webhook, and its secret', async () => {
    const headers = { ...(await world.world.key(['admin'])), 'idempotency-key': 'once' } as unknown as Record<string, string>;
    const again = (): ReturnType<EffectWorld['ask']> => world.ask('POST', '/api/v1/webhooks', { url: `${receiver.url}/x` }, headers);
    const [one, two] = [await again(), await again()];
    expect(two.json).toEqual(one.json);
    expect((await world.ask('GET', '/api/v1/webhooks')).json.items).toHaveLength(1);
  });

  test('a key of fewer contexts has nothing else delivered', async () => {
    const { json } = await world.ask('POST', '/api/v1/keys', { name: 'few', scopes: ['operate'], contexts: ['operation', 'content'] });
    const headers = { authorization: `Bearer ${json.key}` };
    expect((await world.ask('POST', '/api/v1/webhooks', { url: `${receiver.url}/x`, contexts: ['access'] }, headers)).status).toBe(403);
    expect((await world.ask('POST', '/api/v1/webhooks', { url: `${receiver.url}/x` }, headers)).json.contexts.toSorted()).toEqual(['content', 'operation']);
  });

  test('a removed webhook is gone, with what waits for it and its secrets', async () => {
    receiver.reply = () => ({ status: 500 });
    const webhook = await register();
    await publish();
    await until(() => receiver.received.length > 0);
    expect((await world.ask('DELETE', `/api/v1/webhooks/${webhook.id}`)).status).toBe(204);
    expect((await world.ask('GET', `/api/v1/webhooks/${webhook.id}`)).status).toBe(404);
    await until(async () => (await world.engines.effects.list({ lane: webhook.id, states: ['failed', 'abandoned'], limit: 1 })).length === 1);
    expect((await world.ask('DELETE', `/api/v1/webhooks/${webhook.id}`)).status).toBe(404);
  });
});

describe('operating', () => {
  test('reactors are listed; a reset needs a reason, is on the record, and repeats nothing', async () => {
    const webhook = await register();
    await publish();
    await ended(webhook);
    const reset = (body: object): ReturnType<EffectWorld['ask']> => world.ask('POST', '/api/v1/reactors/webhooks/reset', body);
    expect((await reset({ from: 'beginning' })).status).toBe(400);
    expect((await reset({ from: 'beginning', reason: '' })).status).toBe(400);
    expect((await world.ask('POST', '/api/v1/reactors/nobody/reset', { from: 'end', reason: 'a test' })).status).toBe(404);
    expect((await reset({ from: 'beginning', reason: 'a test' })).json).toEqual({ name: 'webhooks', number: 1 });
    const resets = async (): Promise<number> => (await world.ask('GET', '/api/v1/reactors')).json.items.find(({ name }) => name === 'webhooks')?.resets ?? 0;
    await until(async () => (await resets()) === 1);
    await until(async () => (await world.engines.effects.positions('webhooks')).some(({ topic, position }) => topic === 'content' && position > 0n));
    await sleep(300);
    expect(receiver.received).toHaveLength(1);
    const { json } = await world.ask('GET', '/api/v1/events?subject=webhooks');
    expect(json.items).toMatchObject([{ type: 'reactor.reset', data: { from: 'beginning', reason: 'a test' } }]);
  });

  test('effects are listed over all kinds, and tried again for a reason', async () => {
    receiver.reply = () => ({ status: receiver.received.length === 1 ? 410 : 200 });
    const webhook = await register();
    await publish();
    const [delivery] = await ended(webhook);
    const { json } = await world.ask('GET', '/api/v1/effects?kind=webhook-delivery&state=failed&limit=1');
    expect(json.items).toMatchObject([{ id: delivery?.['id'], reactor: 'webhooks', lane: webhook.id, tenant: 'default' }]);
    await world.ask('PATCH', `/api/v1/webhooks/${webhook.id}`, { enabled: true });
    expect((await world.ask('POST', `/api/v1/effects/${json.items[0]?.id}/retry`, {})).status).toBe(400);
    expect((await world.ask('POST', `/api/v1/effects/${json.items[0]?.id}/retry`, { reason: 'again' })).status).toBe(202);
    await until(async () => (await deliveriesOf(webhook))[0]?.['state'] === 'succeeded');
  });
});
