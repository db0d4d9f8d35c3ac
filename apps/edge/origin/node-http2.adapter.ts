import type { Field } from '#core/http-cache';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import type { Dispatcher, Pool } from 'undici';
import type { ByteSource } from '../server/exchange.ts';
import type { WireTarget, WireTls } from './http1-wire.ts';
import type { OriginRequest, OriginResponse } from './origin-client.ts';

function sourceOf(readable: Readable): ByteSource {
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    read: async () => (await chunks.next()).value as Uint8Array | undefined,
    cancel: () => {
      readable.on('error', () => undefined);
      readable.destroy();
    },
  };
}

function fieldsOf(headers: Record<string, string | string[] | undefined>): Field[] {
  const fields: Field[] = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) fields.push([name.toLowerCase(), one]);
  }
  return fields;
}

const closeMs = 1000;

/** TLS did not agree on HTTP/2: nothing was asked yet. */
class Http2Unsupported extends Error {
  override readonly name = 'Http2Unsupported';
  readonly code = 'HTTP2_UNSUPPORTED';
}

export function isWithoutHttp2(error: unknown): boolean {
  return error instanceof Http2Unsupported;
}

export interface NodeHttp2Init {
  readonly url: string;
  readonly target: WireTarget & { readonly tls: WireTls };
  readonly connectTimeoutMs: number;
}

/** Requests without a body to an origin that speaks HTTP/2, through undici's pool. */
export class NodeHttp2Client {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  static async connect({ connectTimeoutMs, target, url }: NodeHttp2Init): Promise<NodeHttp2Client> {
    // Loaded here alone: Bun replaces the package by its own.
    const { buildConnector, Pool } = await import('undici');
    const { lookup, tls } = target;
    const connector = buildConnector({
      timeout: connectTimeoutMs,
      allowH2: true,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(lookup === undefined ? {} : { lookup }),
    });
    // By itself it would take the name that the certificate must have from the Host of a request.
    const servername = isIP(tls.serverName) === 0 ? tls.serverName : '';
    const connect: typeof connector = (options, done) =>
      connector({ ...options, servername }, (...[error, socket]) => {
        if (error !== null) return done(error, null);
        if ((socket as TLSSocket).alpnProtocol === 'h2') return done(null, socket);
        socket.destroy();
        done(new Http2Unsupported('The origin does not speak HTTP/2.'), null);
      });
    return new NodeHttp2Client(new Pool(url, { connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, allowH2: true, connect }));
  }

  async request({ cancelling, fields, method, target }: OriginRequest): Promise<OriginResponse> {
    const response = await this.#pool.request({
      method: method as Dispatcher.HttpMethod,
      path: target,
      headers: fields.flatMap(([name, value]) => [name, value]),
      signal: cancelling.signal,
    });
    const none = method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304;
    if (none) response.body.resume();
    // HTTP/2 frames every body.
    return { status: response.statusCode, fields: fieldsOf(response.headers), body: none ? null : sourceOf(response.body), endsWithConnection: false };
  }

  async close(): Promise<void> {
    // What is under way may end first.
    const ended = this.#pool.close();
    const timer = setTimeout(() => void this.#pool.destroy(), closeMs);
    await ended.catch(() => undefined);
    clearTimeout(timer);
  }
}
