import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TunnelOutcome, TunnelTarget } from './exchange.ts';
import { RefusalReader } from './handshake-refusal.ts';
import { tunnelLimits } from './websocket-tunnel.ts';

const headBytesMax = 64 * 1024;
const headEnd = '\r\n\r\n';

const errors = { late: 'http_response_timeout', closed: 'destination_unavailable', 'no head': 'http_upgrade_failed' } as const;

/** The client's half, with what it has sent behind its handshake. */
export interface UpgradedSocket {
  readonly socket: Socket;
  readonly early: Buffer;
  readonly key: string;
}

/** RFC 6455 section 4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** What the origin has answered: the head, and behind it what stays for the tunnel. */
type Answer = { readonly head: string } | { readonly none: 'late' | 'closed' | 'no head' };

/** Reads the origin's answer to the handshake. */
async function answerOf(origin: Socket): Promise<Answer> {
  let bytes = Buffer.alloc(0);
  const ended = Promise.withResolvers<Answer>();
  const read = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end < 0) return void (bytes.length > headBytesMax && ended.resolve({ none: 'no head' }));
    origin.pause();
    origin.unshift(bytes.subarray(end + headEnd.length));
    ended.resolve({ head: bytes.subarray(0, end).toString('latin1') });
  };
  const timer = setTimeout(() => ended.resolve({ none: 'late' }), tunnelLimits.handshakeMs);
  origin.on('data', read).once('close', () => ended.resolve({ none: 'closed' }));
  const answer = await ended.promise;
  clearTimeout(timer);
  origin.off('data', read);
  return answer;
}

/** The rest of an answer that does not switch, as far as it comes in time. */
async function refusalOf(origin: Socket, head: string): Promise<TunnelOutcome> {
  const reader = new RefusalReader();
  const over = Promise.withResolvers<void>();
  const take = (chunk: Buffer): void => {
    reader.push(chunk);
    if (reader.done) over.resolve();
  };
  take(Buffer.from(head + headEnd, 'latin1'));
  const timer = setTimeout(over.resolve, tunnelLimits.refusalMs);
  origin
    .on('data', take)
    .once('close', over.resolve)
    .once('end', () => reader.close());
  origin.resume();
  await over.promise;
  clearTimeout(timer);
  origin.destroy();
  return reader.outcome();
}

/** A tunnel that stands. */
export interface Tunnel {
  /** What went to the client, when it has ended. */
  readonly bytes: Promise<number>;
}

/** Takes a connection to the origin, byte for byte and at the pace of the slower side. */
export async function tunnelOnNode(
  { early, key, socket }: UpgradedSocket,
  { originUrl, address, serverName, ca, target, fields, protocols }: TunnelTarget,
): Promise<Tunnel | TunnelOutcome> {
  const { hostname, port, protocol, host } = new URL(originUrl);
  const name = hostname.replace(/^\[|\]$/g, '');
  const to = { host: address ?? name, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  const origin = protocol === 'https:' ? connectTls({ ...to, ca, servername: serverName ?? name }) : connect(to);
  origin.on('error', () => undefined);
  const ownKey = randomBytes(16).toString('base64');
  const lines = [
    `GET ${target} HTTP/1.1`,
    ...(fields.some(([field]) => field === 'host') ? [] : [`host: ${host}`]),
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${ownKey}`,
    ...(protocols.length === 0 ? [] : [`sec-websocket-protocol: ${protocols.join(', ')}`]),
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  origin.write(`${lines.join('\r\n')}${headEnd}`);
  const answer = await answerOf(origin);
  if ('none' in answer || socket.destroyed) {
    origin.destroy();
    return 'none' in answer ? { kind: 'failed', error: errors[answer.none] } : { bytes: Promise.resolve(0) };
  }
  const { head } = answer;
  if (!head.startsWith('HTTP/1.1 101 ')) return refusalOf(origin, head);
  if (!head.toLowerCase().includes(`sec-websocket-accept: ${acceptOf(ownKey).toLowerCase()}`)) {
    origin.destroy();
    return { kind: 'failed', error: 'http_upgrade_failed' };
  }
  const chosen = /^sec-websocket-protocol: *(\S+)/im.exec(head)?.[1];
  const own = ['HTTP/1.1 101 Switching Protocols', 'connection: upgrade', 'upgrade: websocket', `sec-websocket-accept: ${acceptOf(key)}`];
  socket.write(`${[...own, ...(chosen === undefined ? [] : [`sec-websocket-protocol: ${chosen}`])].join('\r\n')}${headEnd}`);
  const before = socket.bytesWritten;
  const closed = Promise.withResolvers<number>();
  socket.once('close', () => closed.resolve(socket.bytesWritten - before));
  join(socket, origin, early);
  return { bytes: closed.promise };
}

function join(client: Socket, origin: Socket, early: Buffer): void {
  const idleMs = tunnelLimits.idleTimeoutS * 1000;
  for (const [one, other] of [
    [client, origin],
    [origin, client],
  ] as const) {
    one.setTimeout(idleMs, () => one.destroy());
    one.on('error', () => undefined);
    one.once('close', () => other.destroySoon());
  }
  origin.write(early);
  client.pipe(origin).pipe(client);
}
