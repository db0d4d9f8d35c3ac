import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebhookSender, type SendOutcome } from './index.ts';

const timeoutMs = 2000;
const servers: Server[] = [];
const senders: WebhookSender[] = [];

afterEach(async () => {
  for (const sender of senders.splice(0)) sender.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Listener {
  readonly port: number;
  /** `Host` and path of every request, in order. */
  readonly asked: string[];
}

async function listen(address: string, port = 0, headers: Readonly<Record<string, string>> = {}, status = 204): Promise<Listener> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    request.resume().on('end', () => response.writeHead(status, headers).end());
  });
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  return { port: (server.address() as AddressInfo).port, asked };
}

/** Answers a name's look-ups one after the other, the last again and again, and counts them. */
function dns(...answers: ReadonlyArray<readonly string[]>): LookupFunction & { readonly count: () => number } {
  let asked = 0;
  const lookup: LookupFunction = (_, options, done) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    queueMicrotask(() => (options.all === true ? done(null, found) : done(null, found[0]?.address ?? '', found[0]?.family)));
  };
  return Object.assign(lookup, { count: () => asked });
}

type Init = Partial<ConstructorParameters<typeof WebhookSender>[0]>;

function senderOf(init: Init): WebhookSender {
  const sender = new WebhookSender({ timeoutMs, privateAddresses: false, ...init });
  senders.push(sender);
  return sender;
}

const post = (sender: WebhookSender, url: string): Promise<SendOutcome> => sender.post(url, { 'content-type': 'application/json' }, '{}');

describe('what is not on the public internet', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback, spelled as a number', '2130706433'],
    ['loopback, spelled in octal', '0177.0.0.1'],
    ['unspecified', '0.0.0.0'],
    ['private', '10.0.0.1'],
    ['private', '172.20.0.1'],
    ['private', '192.168.1.1'],
    ['link-local, where clouds tell secrets', '169.254.169.254'],
    ['carrier-grade NAT', '100.100.100.200'],
    ['loopback of IPv6', '[::1]'],
    ['mapped loopback', '[::ffff:127.0.0.1]'],
    ['mapped loopback, written out', '[0:0:0:0:0:ffff:7f00:1]'],
    ['mapped metadata', '[::ffff:169.254.169.254]'],
    ['NAT64 of a private address', '[64:ff9b::10.0.0.1]'],
    ['6to4 of loopback', '[2002:7f00:1::]'],
    ['unique local, where clouds tell secrets', '[fd00:ec2::254]'],
    ['link-local of IPv6', '[fe80::1]'],
  ])('%s is refused as an address: %s', async (_, host) => {
    const outcome = await post(senderOf({}), `http://${host}:9/`);
    expect(outcome).toMatchObject({
      status: undefined,
      forbidden: true,
      detail: expect.stringMatching(/ leads to .*, which is not on the public internet; WEBHOOK_PRIV/),
    });
  });

  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', 'fe80::1', 'fd00:ec2::254'])(
    'is refused when a name leads to it: %s; nothing is connected to',
    async (address) => {
      const listener = await listen('127.0.0.1');
      const outcome = await post(senderOf({ lookup: dns([address]) }), `http://hook.example:${listener.port}/`);
      expect(outcome).toEqual({
        ...{ status: undefined, retryAfterMs: undefined, forbidden: true },
        detail: `hook.example leads to ${address}, which is not on the public internet; WEBHOOK_PRIVATE_ADDRESSES=true allows it.`,
      });
      expect(listener.asked).toEqual([]);
    },
  );

  test('is refused when it is only one of the addresses of a name', async () => {
    const outcome = await post(senderOf({ lookup: dns(['93.184.216.34', '::1']) }), 'http://hook.example:9/');
    expect(outcome).toMatchObject({ forbidden: true, detail: expect.stringContaining('leads to ::1') });
  });

  test('is refused under the names that the system knows itself', async () => {
    const listener = await listen('127.0.0.1');
    expect(await post(senderOf({}), `http://localhost:${listener.port}/`)).toMatchObject({
      forbidden: true,
      detail: expect.stringMatching(/^localhost leads to/),
    });
    expect(listener.asked).toEqual([]);
  });

  test('is reached when it is allowed', async () => {
    const listener = await listen('127.0.0.1');
    const sender = senderOf({ privateAddresses: true, lookup: dns(['127.0.0.1']) });
    expect(await post(sender, `http://hook.example:${listener.port}/x`)).toMatchObject({ status: 204, forbidden: false });
    expect(listener.asked).toEqual([`hook.example:${listener.port}/x`]);
  });
});

// 127.0.0.2 stands for a host of the internet, 127.0.0.1 for this machine: two real listeners on one port.
describe('a name that means something else a moment later', () => {
  const isPublic = (address: string): boolean => address === '127.0.0.2';

  test('is connected to where it was judged, without asking again', async () => {
    const outside = await listen('127.0.0.2');
    const inside = await listen('127.0.0.1', outside.port);
    const lookup = dns(['127.0.0.2'], ['127.0.0.1']);
    expect(await post(senderOf({ isPublic, lookup }), `http://rebind.example:${outside.port}/`)).toMatchObject({ status: 204 });
    expect([outside.asked.length, inside.asked.length, lookup.count()]).toEqual([1, 0, 1]);
  });

  test('is judged anew with every connection, and refused then', async () => {
    const outside = await listen('127.0.0.2', 0, { connection: 'close' });
    const inside = await listen('127.0.0.1', outside.port);
    const sender = senderOf({ isPublic, lookup: dns(['127.0.0.2'], ['127.0.0.1']) });
    expect(await post(sender, `http://rebind.example:${outside.port}/`)).toMatchObject({ status: 204 });
    expect(await post(sender, `http://rebind.example:${outside.port}/`)).toMatchObject({
      forbidden: true,
      detail: expect.stringContaining('leads to 127.0.0.1'),
    });
    expect([outside.asked.length, inside.asked.length]).toEqual([1, 0]);
  });

  test.each([301, 302, 303, 307, 308])('cannot be reached by a redirect (%i)', async (status) => {
    const inside = await listen('127.0.0.1');
    const location = `http://127.0.0.1:${inside.port}/secrets`;
    const outside = await listen('127.0.0.2', 0, { location }, status);
    const outcome = await post(senderOf({ isPublic, lookup: dns(['127.0.0.2']) }), `http://moved.example:${outside.port}/`);
    expect(outcome).toMatchObject({ status, detail: `The answer redirects to ${location}, which is not followed.` });
    expect([outside.asked.length, inside.asked.length]).toEqual([1, 0]);
  });
});

describe('bad weather', () => {
  test.each([
    ['a name that nobody has', 'http://no-such-name.invalid/', /ENOTFOUND|EAI_AGAIN/],
    ['a port that nobody listens on', 'http://127.0.0.1:1/', /ECONNREFUSED/],
    ['TLS to somebody who does not speak it', 'https://127.0.0.1:PORT/', /SSL|EPROTO|wrong version|packet length/i],
  ])('%s is no answer, and may be tried again', async (_, url, why) => {
    const { port } = await listen('127.0.0.1');
    const outcome = await post(senderOf({ privateAddresses: true }), url.replace('PORT', String(port)));
    expect(outcome).toMatchObject({ status: undefined, forbidden: false, detail: expect.stringMatching(why) });
  });

  test('an answer that changes to another protocol is one, and no wait without an end', async () => {
    const server = createServer().on('connection', (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'));
      socket.on('error', () => undefined);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const said = await post(senderOf({ privateAddresses: true }), `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(said).toMatchObject({ status: 101, detail: 'The answer changes to another protocol, which was not asked for.' });
  });

  test('a look-up that never answers ends with the try', async () => {
    const outcome = await post(senderOf({ timeoutMs: 100, lookup: () => undefined }), 'http://slow.example/');
    expect(outcome).toMatchObject({ status: undefined, forbidden: false, detail: 'No answer within 0.1 s.' });
  });
});
