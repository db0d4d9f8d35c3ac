import type { Field, Fields } from '#core/http-cache';
import type { ByteSource } from '../server/exchange.ts';
import type { WireTls } from './http1-wire.ts';
import type { OriginRequest, OriginResponse } from './origin-client.ts';

/** Bun's additions to fetch: bytes as they are, no time limit of its own, and no other protocol than the one that is asked for. */
interface BunRequestInit extends RequestInit {
  readonly decompress: false;
  readonly timeout: false;
  readonly protocol: 'http2';
  readonly tls: WireTls & { readonly rejectUnauthorized: true };
}

/**
 * TLS did not agree on HTTP/2: nothing was asked yet. Some servers choose another protocol then, others refuse the handshake
 * (RFC 7301 section 3.2), of which Bun says no more than that it failed.
 */
export function isWithoutHttp2(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === 'HTTP2Unsupported' || (code === 'EPROTO' && String(message).includes('TLS handshake'));
}

function sourceOf(stream: ReadableStream | null): ByteSource | null {
  if (stream === null) return null;
  const reader = stream.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  return {
    read: async () => (await reader.read()).value,
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}

/** One request without a body, as it stands: nothing decoded, no redirect followed. */
export async function fetchOverHttp2(url: string, request: OriginRequest, fields: Fields, { ca, serverName }: WireTls): Promise<OriginResponse> {
  const init: BunRequestInit = {
    method: request.method,
    headers: fields as unknown as [string, string][],
    redirect: 'manual',
    signal: request.cancelling.signal,
    decompress: false,
    timeout: false,
    protocol: 'http2',
    tls: { serverName, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
  };
  const response = await fetch(url, init);
  // HTTP/2 frames every body.
  return { status: response.status, fields: [...response.headers] as unknown as Field[], body: sourceOf(response.body), endsWithConnection: false };
}
