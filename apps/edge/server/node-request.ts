import { fieldValue, type Field, type Fields } from '#core/http-cache';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { ByteSource, EdgeRequest, TunnelOutcome, TunnelTarget } from './exchange.ts';
import type { EdgeServerInit } from './edge-server.ts';
import { tunnelOnNode, type UpgradedSocket } from './node-websocket.ts';

export type NodeIncoming = IncomingMessage | Http2ServerRequest;
export type NodeOutgoing = ServerResponse | Http2ServerResponse;

/** Not by its version, which a request line may claim as it likes. */
function isHttp2(incoming: NodeIncoming): incoming is Http2ServerRequest {
  return 'stream' in incoming;
}

/** A request of Node's, of HTTP/1.1 or 2; the latter in the terms of the former. */
export class NodeEdgeRequest implements EdgeRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly gone: AbortSignal;
  readonly scheme: 'http' | 'https';
  zone: EdgeRequest['zone'] = undefined;
  tunnelled: Promise<number> | undefined = undefined;
  readonly #incoming: NodeIncoming;
  /** RFC 9113 section 8.3.1: the authority is what Host would say. */
  readonly #authority: string | undefined;

  readonly #clientOf: EdgeServerInit['clientOf'];
  readonly #upgraded: UpgradedSocket | undefined;

  constructor(incoming: NodeIncoming, response: NodeOutgoing, { clientOf, tls }: Pick<EdgeServerInit, 'clientOf' | 'tls'>, upgraded?: UpgradedSocket) {
    this.#clientOf = clientOf;
    this.#incoming = incoming;
    this.#upgraded = upgraded;
    this.scheme = tls === undefined ? 'http' : 'https';
    this.method = incoming.method ?? 'GET';
    const second = isHttp2(incoming);
    this.version = second ? '1.1' : incoming.httpVersion;
    this.#authority = second ? incoming.headers[':authority'] : undefined;
    this.target = second && hasTwoHosts(incoming) ? '' : originForm(incoming.url ?? '/', incoming.headers.host);
    const gone = new AbortController();
    let finished = false;
    response.once('finish', () => (finished = true));
    response.once('close', () => {
      if (!finished) gone.abort();
    });
    this.gone = gone.signal;
  }

  field(name: string): string | undefined {
    if (name === 'host' && this.#authority !== undefined) return this.#authority;
    // Of these Node shows the first alone, and a second is what matters.
    if (name === 'host' || name === 'content-length') return fieldValue(this.fields(), name);
    const value = this.#incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  fields(): Fields {
    const raw = this.#incoming.rawHeaders;
    const fields: Field[] = this.#authority === undefined ? [] : [['host', this.#authority]];
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = (raw[at] as string).toLowerCase();
      if (name.startsWith(':') || (name === 'host' && this.#authority !== undefined)) continue;
      fields.push([name, raw[at + 1] as string]);
    }
    return fields;
  }

  get hasBody(): boolean {
    const incoming = this.#incoming;
    if (isHttp2(incoming)) return !incoming.stream.endAfterHeaders;
    return incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  }

  get contentLength(): number | undefined {
    const value = this.#incoming.headers['content-length'];
    return value === undefined ? undefined : Number(value);
  }

  get clientAddress(): string {
    const { remoteAddress, remotePort } = this.#incoming.socket;
    return (remotePort === undefined ? undefined : this.#clientOf?.(remotePort)) ?? remoteAddress ?? 'unknown';
  }

  body(): ByteSource | undefined {
    if (!this.hasBody) return undefined;
    const incoming = this.#incoming;
    const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    const read = async (): Promise<Uint8Array | undefined> => {
      const { value } = (await chunks.next()) as { value: Uint8Array | undefined };
      if (value === undefined && isHttp2(incoming) && wasReset(incoming)) throw new Error('The request was broken off.');
      return value;
    };
    return { read, cancel: () => void incoming.resume() };
  }

  allowSilence(): void {
    // A connection of HTTP/2 has a time limit of its own, and carries others' requests.
    if (!isHttp2(this.#incoming)) this.#incoming.socket.setTimeout(0);
  }

  async tunnel(target: TunnelTarget): Promise<TunnelOutcome> {
    if (this.#upgraded === undefined) return { kind: 'failed', error: 'http_upgrade_failed' };
    const tunnel = await tunnelOnNode(this.#upgraded, target);
    if ('bytes' in tunnel) {
      this.tunnelled = tunnel.bytes;
      return { kind: 'switched' };
    }
    return tunnel;
  }
}

/** A stream of HTTP/2 that is reset ends for its reader as one that is complete. */
function wasReset({ aborted, stream }: Http2ServerRequest): boolean {
  return aborted || (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR);
}

/** RFC 9113 section 8.3.1: Host may repeat the authority, and say nothing else. */
function hasTwoHosts({ headers }: Http2ServerRequest): boolean {
  return headers.host !== undefined && headers[':authority'] !== undefined && headers.host !== headers[':authority'];
}

const absoluteForm = /^https?:\/\/([^/?#]*)/i;

/**
 * Node hands on the bytes of the request line as they are: an absolute form, and bytes beyond ASCII as Latin-1 characters.
 * Empty, which is no target, for an absolute form that speaks of another host than Host (RFC 9112 section 3.2.2 lets the
 * former win; that two parsers may not agree is reason enough to refuse).
 */
function originForm(url: string, host: string | undefined): string {
  const absolute = absoluteForm.exec(url);
  if (absolute !== null && (absolute[1] as string).toLowerCase() !== host?.toLowerCase()) return '';
  const target = absolute === null ? url : url.slice(absolute[0].length) || '/';
  return target.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
