import type { Field } from '#core/http-cache';
import type { ByteSource } from '../server/exchange.ts';
import { BunHttp1Client } from './bun-http1.adapter.ts';
import { FramingTrust } from './framing-trust.ts';
import { isUnframed, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';

/** Bun's additions to fetch: bytes as they are, and no time limit of its own. */
export interface BunRequestInit extends RequestInit {
  decompress: false;
  timeout: false;
  tls?: { serverName: string; rejectUnauthorized: true; ca?: string };
  protocol?: 'http2';
  /** False: on a connection of its own. */
  keepalive?: boolean;
}

/** Bun keeps the connections of the whole process together. */
const trust = new FramingTrust();

function streamOf(source: ByteSource): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      try {
        const bytes = await source.read();
        if (bytes === undefined) controller.close();
        else controller.enqueue(bytes);
      } catch (error) {
        controller.error(error);
      }
    },
    cancel: () => source.cancel(),
  });
}

function sourceOf(stream: ReadableStream | null): ByteSource | null {
  if (stream === null) return null;
  const reader = stream.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  return {
    read: async () => (await reader.read()).value,
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}

/** One request as it stands: nothing decoded, no redirect followed. */
export async function fetchOnBun(url: string, request: OriginRequest, more: Partial<BunRequestInit> = {}): Promise<OriginResponse> {
  const { host } = new URL(url);
  const isAlone = more.protocol !== 'http2' && !trust.mayKeep(host, request);
  const init: BunRequestInit = {
    method: request.method,
    headers: request.fields as unknown as [string, string][],
    body: request.body === undefined ? null : streamOf(request.body),
    redirect: 'manual',
    signal: request.cancelling.signal,
    decompress: false,
    timeout: false,
    ...(isAlone ? { keepalive: false } : {}),
    ...more,
  };
  const response = await fetch(url, init);
  const [fields, body] = [[...response.headers] as unknown as Field[], sourceOf(response.body)];
  if (more.protocol !== 'http2') trust.saw(host, request, response.status, fields);
  return { status: response.status, fields, body, endsWithConnection: more.protocol !== 'http2' && isUnframed(fields, body) };
}

/** The origin: what brings no body in plain text by connections of our own, all else through Bun's fetch, which has its own. */
export class BunOriginClient implements OriginClient {
  readonly #base: string;
  readonly #plain: BunHttp1Client | undefined;

  /** @param base scheme, host and port, without a path */
  constructor(base: string, now: () => number) {
    this.#base = base;
    const url = new URL(base);
    this.#plain = url.protocol === 'http:' ? new BunHttp1Client(url, now) : undefined;
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    if (this.#plain !== undefined && request.body === undefined) return this.#plain.request(request);
    return fetchOnBun(this.#base + request.target, request);
  }

  async close(): Promise<void> {
    await this.#plain?.close();
  }
}
