import type { Field } from '#core/http-cache';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import type { ByteSource } from '../server/exchange.ts';
import { isUnframed, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';
import type { OriginEndpoint } from './origin-endpoint.ts';

async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) yield bytes;
}

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

/**
 * undici takes a connection that was reset for one that was closed, and with it the beginning of a body for all of it, where nothing but
 * the connection says where that ends. By another name it takes it for what it is.
 */
function asReset(error: Error & { code?: string }): void {
  if (error.code === 'ECONNRESET') error.code = 'ORIGIN_RESET';
}

/** An origin through undici's pool. */
export class NodeOriginClient implements OriginClient {
  readonly #pool: Pool;
  readonly #check: (() => void) | undefined;
  readonly #mayBeHttp2: boolean;

  private constructor(pool: Pool, mayBeHttp2: boolean, check: (() => void) | undefined) {
    this.#pool = pool;
    this.#mayBeHttp2 = mayBeHttp2;
    this.#check = check;
  }

  static async connect({ ca, connectTimeoutMs, guard, http2, serverName, url }: OriginEndpoint): Promise<NodeOriginClient> {
    // Loaded here alone: Bun replaces the package by its own.
    const { buildConnector, Pool } = await import('undici');
    const { hostname } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const connector = buildConnector({
      timeout: connectTimeoutMs,
      allowH2: http2,
      ...(ca === undefined ? {} : { ca }),
      ...(guard === undefined ? {} : { lookup: guard.lookup }),
    });
    // By itself it would take the name that the certificate must have from the Host of a request.
    const servername = serverName ?? (isIP(host) === 0 ? host : '');
    const connect: typeof connector = (options, done) =>
      connector({ ...options, servername }, (...made) => {
        made[1]?.on('error', asReset);
        done(...made);
      });
    const pool = new Pool(url, { connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, allowH2: http2, connect });
    // Of an address nobody looks up what it is.
    return new NodeOriginClient(pool, http2, isIP(host) === 0 ? undefined : () => guard?.check(host, host));
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    this.#check?.();
    const response = await this.#pool.request({
      method: request.method as Dispatcher.HttpMethod,
      path: request.target,
      headers: request.fields.flatMap(([name, value]) => [name, value]),
      body: request.body === undefined ? null : (chunksOf(request.body) as unknown as Readable),
      signal: request.cancelling.signal,
    });
    const none = request.method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304;
    if (none) response.body.resume();
    const [fields, body] = [fieldsOf(response.headers), none ? null : sourceOf(response.body)];
    // HTTP/2 knows no Connection field, and frames every body.
    const isHttp1 = !this.#mayBeHttp2 || fields.some(([name]) => name === 'connection');
    return { status: response.statusCode, fields, body, endsWithConnection: isHttp1 && isUnframed(fields, body) };
  }

  async close(): Promise<void> {
    // What is under way may end first.
    const ended = this.#pool.close();
    const timer = setTimeout(() => void this.#pool.destroy(), closeMs);
    await ended.catch(() => undefined);
    clearTimeout(timer);
  }
}
