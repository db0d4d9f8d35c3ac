import type { Field } from '#core/http-cache';
import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import type { ByteSource } from '../server/edge-server.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';

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

/** The origin through undici's pool. */
export class NodeOriginClient implements OriginClient {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @param base scheme, host and port, without a path */
  static async connect(base: string, connectTimeoutMs: number): Promise<NodeOriginClient> {
    // Loaded here alone: Bun replaces the package by its own.
    const { Pool } = await import('undici');
    return new NodeOriginClient(new Pool(base, { connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: connectTimeoutMs } }));
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    const response = await this.#pool.request({
      method: request.method as Dispatcher.HttpMethod,
      path: request.target,
      headers: request.fields.flatMap(([name, value]) => [name, value]),
      body: request.body === undefined ? null : (chunksOf(request.body) as unknown as Readable),
      signal: request.signal,
    });
    const none = request.method === 'HEAD' || response.statusCode === 204 || response.statusCode === 304;
    if (none) response.body.resume();
    return { status: response.statusCode, fields: fieldsOf(response.headers), body: none ? null : sourceOf(response.body) };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
