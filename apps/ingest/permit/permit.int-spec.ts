import { AddressList } from '#core/network';
import { formatStreamKey, LimitBook, streamAggregate } from '#domain/stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createHash, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, exportSPKI, SignJWT } from 'jose';
import type { IngestSettings } from '../ingest.config.ts';
import { killTools, publish } from '../testing/ffmpeg.ts';
import { IngestNode } from '../testing/ingest-harness.ts';

const nodes: IngestNode[] = [];
const servers: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'streams-permit-'));

async function start(overrides: Partial<IngestSettings>): Promise<IngestNode> {
  const node = await IngestNode.start(undefined, overrides);
  nodes.push(node);
  return node;
}

/** An HTTP service on a port of its own. */
async function service(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(request, response, body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/admit`;
}

afterEach(async () => {
  killTools();
  for (const node of nodes.splice(0)) await node.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

const limited = (text: string): Partial<IngestSettings> => ({ tenantLimits: LimitBook.parse(text) as LimitBook });

/** What ffmpeg shows and what is on record. */
async function refusal(node: IngestNode, url: string): Promise<{ shown: string; reason: string }> {
  const { code, output } = await publish(url, 30).ended;
  expect(code).not.toBe(0);
  return { shown: output, reason: (await node.engines.eventually('stream.publish-rejected')).data.reason };
}

describe('JSON Web Tokens as stream keys', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const nowSec = Math.floor(Date.now() / 1000);

  function sign(claims: Record<string, unknown>, alg: 'ES256' | 'EdDSA' = 'ES256', key: KeyObject = ec.privateKey): Promise<string> {
    const { exp = nowSec + 60, ...rest } = claims as { exp?: number };
    return new SignJWT({ aud: 'streams-publish', ...rest }).setProtectedHeader({ alg, kid: alg }).setExpirationTime(exp).sign(key);
  }

  const tokens = { issuer: undefined, audience: 'streams-publish', keyFile: undefined, jwksUrl: undefined };

  async function jwks(): Promise<string> {
    const keys = [
      { ...(await exportJWK(ec.publicKey)), kid: 'ES256', alg: 'ES256' },
      { ...(await exportJWK(ed.publicKey)), kid: 'EdDSA', alg: 'EdDSA' },
      // RFC 7517 section 5: of a kind that nobody knows, or none at all.
      { kty: 'new', kid: 'new' },
      { junk: 1 },
      null,
    ];
    return service((_request, response) => response.end(JSON.stringify({ keys })));
  }

  test('ffmpeg publishes with one of either kind, by keys from a URL', async () => {
    const node = await start({ tokens: { ...tokens, jwksUrl: await jwks() } });
    await node.createStream('st-aaaaaaaa');
    await node.createStream('st-bbbbbbbb', 60_000, 'acme');
    expect(await publish(node.url(await sign({ sub: 'st-aaaaaaaa' })), 1).ended).toMatchObject({ code: 0 });
    const token = await sign({ sub: 'st-bbbbbbbb', tenant: 'acme' }, 'EdDSA', ed.privateKey);
    await node.tell({ type: 'CreateTenant', tenantId: 'acme', name: 'Acme' });
    expect(await publish(node.url(token), 1).ended).toMatchObject({ code: 0 });
    // Stream keys go on beside them.
    expect(await publish(node.url(await node.createStream('st-cccccccc')), 1).ended).toMatchObject({ code: 0 });
  });

  test('a key in a file is as good', async () => {
    const keyFile = join(mkdtempSync(join(tmpdir(), 'streams-jwt-')), 'publish.pem');
    writeFileSync(keyFile, await exportSPKI(ec.publicKey));
    const node = await start({ tokens: { ...tokens, keyFile } });
    await node.createStream('st-aaaaaaaa');
    expect(await publish(node.url(await sign({ sub: 'st-aaaaaaaa' })), 1).ended).toMatchObject({ code: 0 });
    writeFileSync(keyFile, 'no key');
    await expect(start({ tokens: { ...tokens, keyFile } })).rejects.toMatchObject({ code: 'TOKEN_KEYS_INVALID' });
  });

  test.each<[string, () => Promise<string>, string, string]>([
    ['expired', () => sign({ sub: 'st-aaaaaaaa', exp: nowSec - 600 }), 'key-expired', 'has expired'],
    ['for another audience', () => sign({ sub: 'st-aaaaaaaa', aud: 'elsewhere' }), 'bad-key', 'The claim aud of the token'],
    [
      'by a key of somebody else',
      () => sign({ sub: 'st-aaaaaaaa' }, 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      'bad-key',
      'not signed in a way',
    ],
    ['of no stream', () => sign({ sub: 'me' }), 'bad-key', 'names no stream'],
    ["for another tenant's stream", () => sign({ sub: 'st-aaaaaaaa', tenant: 'acme' }), 'unknown-stream', 'There is no such stream'],
    [
      'signed with a shared secret',
      () =>
        new SignJWT({ sub: 'st-aaaaaaaa', aud: 'streams-publish' })
          .setProtectedHeader({ alg: 'HS256' })
          .setExpirationTime('1h')
          .sign(Buffer.from('x'.repeat(32))),
      'bad-key',
      'not signed in a way',
    ],
  ])('one %s is refused, and ffmpeg shows why', async (_name, make, reason, message) => {
    const node = await start({ tokens: { ...tokens, jwksUrl: await jwks() } });
    await node.createStream('st-aaaaaaaa');
    const refused = await refusal(node, node.url(await make()));
    expect(refused.reason).toBe(reason);
    expect(refused.shown).toContain(message);
  });
});

test('while the keys of tokens cannot be fetched, a publisher is told to try again', async () => {
  const jwksUrl = await service((_request, response) => response.writeHead(500).end());
  const node = await start({ tokens: { issuer: undefined, audience: 'streams-publish', keyFile: undefined, jwksUrl } });
  await node.createStream('st-aaaaaaaa');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = await new SignJWT({ sub: 'st-aaaaaaaa', aud: 'streams-publish' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setExpirationTime('1h')
    .sign(privateKey);
  const refused = await refusal(node, node.url(token));
  expect(refused.reason).toBe('busy');
  expect(refused.shown).toContain('cannot be fetched now. Try again');
});

describe('stream keys', () => {
  test('one for one publication lets in once; replaced ones end at their time', async () => {
    const node = await start({});
    const first = await node.createStream('st-aaaaaaaa');
    const secret = 'c'.repeat(26);
    const keyHash = createHash('sha256').update(secret).digest('hex');
    const command = { type: 'IssueKey' as const, streamId: 'st-aaaaaaaa', keyHash, expiresAtMs: 0, singleUse: true, previousUntilMs: 1, nowMs: 1 };
    await node.commands.execute(streamAggregate, 'st-aaaaaaaa', command, { actor: 'system:test', correlationId: 'test' });
    const old = await publish(node.url(first), 30).ended;
    expect(old.output).toContain('The stream key has expired.');
    const once = node.url(formatStreamKey({ streamId: 'st-aaaaaaaa', secret }));
    expect(await publish(once, 1).ended).toMatchObject({ code: 0 });
    await node.engines.eventually('stream.interrupted');
    expect((await publish(once, 30).ended).output).toContain('was for one publication, and has been used');
    expect((await node.engines.events()).map(({ type }) => type)).toEqual(expect.arrayContaining(['stream.key-issued', 'stream.key-used']));
  });
});

test('an address that is not on the list is refused, key or not; one that is on it is not', async () => {
  const elsewhere = await start({ sources: AddressList.parse(['203.0.113.0/24']) as AddressList });
  const refused = await refusal(elsewhere, elsewhere.url(await elsewhere.createStream('st-aaaaaaaa')));
  expect(refused.reason).toBe('source-not-allowed');
  expect(refused.shown).toContain('not allowed from your address');
  const here = await start({ sources: AddressList.parse(['127.0.0.0/8', '::1']) as AddressList });
  expect(await publish(here.url(await here.createStream('st-aaaaaaaa')), 1).ended).toMatchObject({ code: 0 });
});

describe("a tenant's limits", () => {
  test('on streams that are live at once', async () => {
    const node = await start(limited('default=streams:1'));
    publish(node.url(await node.createStream('st-aaaaaaaa')));
    await node.engines.eventually('stream.started');
    const refused = await refusal(node, node.url(await node.createStream('st-bbbbbbbb')));
    expect(refused.reason).toBe('limit-exceeded');
    expect(refused.shown).toContain('may have 1 stream live at once, and has 1');
  });

  test.each([
    ['lines of the picture', 'default=height:90', '320x180 pixels; 90 lines are allowed'],
    ['bits per second', 'default=bitrate:20000', 'kbit/s; 20 are allowed'],
  ])('on %s: the publisher is ended and told', async (_name, text, message) => {
    const node = await start(limited(text));
    await publish(node.url(await node.createStream('st-aaaaaaaa')), 60).ended;
    expect((await node.engines.eventually('stream.interrupted')).data).toMatchObject({ reason: 'limit-exceeded', detail: expect.stringContaining(message) });
    expect((await node.engines.events()).map(({ type }) => type)).not.toContain('stream.publish-rejected');
  });

  test('and whoever comes again with the same is told at the door, where it can still hear it', async () => {
    const node = await start(limited('default=height:90'));
    const url = node.url(await node.createStream('st-aaaaaaaa'));
    await publish(url, 60).ended;
    await node.engines.eventually('stream.interrupted');
    const again = await publish(url, 60).ended;
    expect(again.output).toMatch(/320x180 pixels; 90 lines are allowed\. Change that, and try again in \d+ s\./);
    // It was not live a second time.
    expect((await node.engines.events()).filter(({ type }) => type === 'stream.started')).toHaveLength(1);
  });
});

describe('the admission service', () => {
  const hook = { secret: undefined, onSilence: 'refuse' } as const;
  const answers = (answer: object): Promise<string> => service((_request, response) => response.end(JSON.stringify(answer)));

  test('hears who wants to publish what, signed, and lets in', async () => {
    const asked: Array<{ headers: IncomingMessage['headers']; body: string }> = [];
    const url = await service((request, response, body) => {
      asked.push({ headers: request.headers, body });
      response.end('{"allowed": true}');
    });
    const secret = Buffer.from('a secret of enough bytes');
    const node = await start({ hook: { ...hook, url, secret } });
    expect(await publish(node.url(await node.createStream('st-aaaaaaaa')), 1).ended).toMatchObject({ code: 0 });
    const [{ headers, body }] = asked as [{ headers: Record<string, string>; body: string }];
    expect(JSON.parse(body)).toMatchObject({
      type: 'publish',
      streamId: 'st-aaaaaaaa',
      tenant: 'default',
      endpoint: 'primary',
      node: 'node-1',
      remoteAddress: expect.any(String),
    });
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  });

  test('is not asked about a wrong key', async () => {
    let asked = 0;
    const url = await service((_request, response) => {
      asked += 1;
      response.end('{"allowed": true}');
    });
    const node = await start({ hook: { ...hook, url } });
    const key = await node.createStream('st-aaaaaaaa');
    expect((await refusal(node, node.url(`${key.slice(0, -1)}b`))).reason).toBe('bad-key');
    expect(asked).toBe(0);
  });

  test('refuses, and ffmpeg shows its reason', async () => {
    const node = await start({ hook: { ...hook, url: await answers({ allowed: false, reason: 'Your subscription has ended.' }) } });
    const refused = await refusal(node, node.url(await node.createStream('st-aaaaaaaa')));
    expect(refused.reason).toBe('denied');
    expect(refused.shown).toContain('Your subscription has ended.');
  });

  test('gives another name to publish under, of the same tenant alone', async () => {
    const node = await start({ hook: { ...hook, url: await answers({ allowed: true, newName: 'st-bbbbbbbb' }) } });
    const key = await node.createStream('st-aaaaaaaa');
    await node.createStream('st-bbbbbbbb');
    expect(await publish(node.url(key), 1).ended).toMatchObject({ code: 0 });
    expect((await node.engines.eventually('stream.started')).data).toMatchObject({ streamId: 'st-bbbbbbbb', relayUrl: expect.stringContaining('st-bbbbbbbb') });
    const other = await start({ hook: { ...hook, url: await answers({ allowed: true, newName: 'st-dddddddd' }) } });
    const mine = await other.createStream('st-aaaaaaaa');
    await other.createStream('st-dddddddd', 60_000, 'acme');
    expect((await refusal(other, other.url(mine))).reason).toBe('unknown-stream');
  });

  test('gives a lifetime: then the publisher is ended', async () => {
    const node = await start({ hook: { ...hook, url: await answers({ allowed: true, lifetime: 1 }) } });
    await publish(node.url(await node.createStream('st-aaaaaaaa'))).ended;
    expect((await node.engines.eventually('stream.interrupted')).data.reason).toBe('lifetime-over');
  });

  const silent = 'does not answer';
  const failing = 'admits publishers fails';
  const unreadable = 'cannot be understood';

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['is silent for three seconds', () => undefined, silent],
    ['answers with an error', (response) => void response.writeHead(500).end(), failing],
    ['says neither yes nor no', (response) => void response.end('{"allowed": "yes"}'), unreadable],
    ['answers no JSON', (response) => void response.end('<html>welcome</html>'), unreadable],
    ['answers without end', (response) => void setInterval(() => response.write('x'.repeat(8_000)), 5).unref(), unreadable],
    ['sends elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(), unreadable],
  ])('that %s is one whose policy counts, and is told as what it is', async (_name, answer, told) => {
    const url = await service((_request, response) => answer(response));
    const strict = await start({ hook: { ...hook, url } });
    const refused = await refusal(strict, strict.url(await strict.createStream('st-aaaaaaaa')));
    expect(refused.reason).toBe('busy');
    expect(refused.shown).toContain(told);
    const lenient = await start({ hook: { ...hook, url, onSilence: 'allow' } });
    expect(await publish(lenient.url(await lenient.createStream('st-aaaaaaaa')), 1).ended).toMatchObject({ code: 0 });
  });

  test.each<[string, object, string, string]>([
    ['another name that is none', { allowed: true, newName: 'Evening News' }, 'busy', unreadable],
    ['a time that is none', { allowed: true, lifetime: -5 }, 'busy', unreadable],
    ['a reason that is none', { allowed: false, reason: 42 }, 'denied', 'is not allowed here'],
    ['no reason', { allowed: false }, 'denied', 'is not allowed here'],
  ])('that answers with %s has answered: whatever the policy, nobody is let in', async (_name, answer, reason, told) => {
    const node = await start({ hook: { ...hook, url: await answers(answer), onSilence: 'allow' } });
    const refused = await refusal(node, node.url(await node.createStream('st-aaaaaaaa')));
    expect(refused.reason).toBe(reason);
    expect(refused.shown).toContain(told);
  });
});
