import type { Fields, ProxyError } from '#core/http-cache';
import { OperatingError } from '#kernel';
import type { ByteSource } from '../server/exchange.ts';
import type { Cancelling } from './cancelling.ts';

/** Methods of what may be asked once more, where it has no body (RFC 9110 section 9.2.2). */
export const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export interface OriginRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  readonly body?: ByteSource | undefined;
  readonly cancelling: Cancelling;
  /** Over a connection that nobody has used: on another one it was lost. */
  readonly anew?: boolean | undefined;
}

export interface OriginResponse {
  readonly status: number;
  readonly fields: Fields;
  /** Null when there is none. Ends early by a rejection, never in silence. */
  readonly body: ByteSource | null;
  /**
   * Whether the body ends with its connection, so that nobody can tell whether all of it came (RFC 9112 section 8): HTTP clients take
   * a connection that was reset for one that was closed.
   */
  readonly endsWithConnection?: boolean;
}

/**
 * Speaks HTTP/1.1 to one origin over a pool of connections that are kept open. Never decodes, never follows a redirect.
 * Rejects when there is no response: with an Error whose `code`, if any, is the system's or the HTTP client's.
 */
export interface OriginClient {
  request(request: OriginRequest): Promise<OriginResponse>;
  close(): Promise<void>;
}

export type OriginErrorCode =
  | 'ORIGIN_UNREACHABLE'
  | 'ORIGIN_TIMEOUT'
  | 'ORIGIN_INVALID'
  | 'ORIGIN_BROKEN'
  | 'ORIGIN_UNTRUSTED'
  | 'ORIGIN_FORBIDDEN'
  | 'ORIGIN_BUSY';

const unreachableErrors: Readonly<Record<string, ProxyError>> = {
  ECONNREFUSED: 'connection_refused',
  ConnectionRefused: 'connection_refused',
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  ETIMEDOUT: 'connection_timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connection_timeout',
};

/** Why the origin gave no usable answer. */
export class OriginError extends OperatingError {
  override readonly name = 'OriginError';

  constructor(code: OriginErrorCode, message: string, cause?: unknown) {
    super(message, { code, retryable: true, cause });
  }

  /** What it is called in Proxy-Status (RFC 9209 section 2.3). */
  get proxyError(): ProxyError {
    if (this.code === 'ORIGIN_TIMEOUT') return 'http_response_timeout';
    if (this.code === 'ORIGIN_BROKEN') return 'http_response_incomplete';
    if (this.code === 'ORIGIN_UNTRUSTED') return 'tls_certificate_error';
    if (this.code === 'ORIGIN_BUSY') return 'connection_limit_reached';
    if (this.code === 'ORIGIN_FORBIDDEN') return 'destination_ip_prohibited';
    if (this.code === 'ORIGIN_INVALID') return 'http_protocol_error';
    return unreachableErrors[String((this.cause as { code?: unknown } | undefined)?.code)] ?? 'destination_unavailable';
  }

  /** RFC 9110 sections 15.6.3 to 15.6.5. */
  get status(): 502 | 503 | 504 {
    if (this.code === 'ORIGIN_BUSY') return 503;
    return this.code === 'ORIGIN_TIMEOUT' || this.proxyError === 'connection_timeout' ? 504 : 502;
  }
}
