import type { Fields, FramedRequest, RequestHead } from '#core/http-cache';
import type { TlsIdentity } from '#runtime';
import type { AnsweringZone } from '../zones/zone.ts';
import type { TunnelTarget } from './websocket-tunnel.ts';

/** A body that comes piece by piece. */
export interface ByteSource {
  /** The next bytes; undefined at the end. A rejection means that the rest will never come: the connection must be cut. */
  read(): Promise<Uint8Array | undefined>;
  /** Nobody wants the rest. */
  cancel(): void;
}

/** Bytes in the form in which the server sends them without a copy; Bun's `Blob` is one. Immutable. */
export interface StoredBytes {
  readonly size: number;
  /** The part from `start` to `end` (exclusive), without a copy. */
  slice(start: number, end: number): StoredBytes;
}

/** Takes bytes over for keeping. The caller does not change them any more. */
export type KeepBytes = (bytes: Uint8Array) => StoredBytes;

/** The bytes of what was kept, whole; nobody changes them. */
export type BytesOf = (stored: StoredBytes) => Promise<Uint8Array>;

/** A request as the handler sees it, whatever server took it. `target` is ASCII, in origin form, as the client spelt it. */
export interface EdgeRequest extends RequestHead, FramedRequest {
  fields(): Fields;
  /** Bytes announced by Content-Length; undefined when the request has none. */
  readonly contentLength: number | undefined;
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  /** Aborted when the client goes away before its answer is complete. */
  readonly gone: AbortSignal;
  /** Undefined for a request without a body. */
  body(): ByteSource | undefined;
  /** Takes the time limit for silence off this connection: an event stream may be quiet for long. */
  allowSilence(): void;
  /** Whose answer it gets: set as soon as somebody has looked. */
  zone?: AnsweringZone | undefined;
  /** Bytes that went to the client over a WebSocket, when that has ended; there when it was taken to the origin. */
  readonly tunnelled?: Promise<number> | undefined;
  /** Takes a WebSocket that this request asks for to the origin; undefined when the origin does not switch. */
  tunnel(target: TunnelTarget): Promise<EdgeReply | undefined>;
}

/** Status and fields, made once and sent many times. */
export interface ReplyHead {
  readonly status: number;
  readonly fields: Fields;
  /** The server's own form of this head, which it makes at the first use: for plain text, and under TLS. */
  prebuilt: unknown;
  prebuiltSecure: unknown;
  /** What the access log says of answers with this head, made at the first; null for what is no traffic: answers to probes. */
  log: HeadLog | null | undefined;
}

export interface HeadLog {
  /** Places in `cacheOutcomes` and `statusClasses`. */
  readonly outcome: number;
  readonly statusClass: number;
  readonly contentType: string;
}

export interface EdgeReply {
  readonly head: ReplyHead;
  /** Null for none. The length of bytes is stated by the server; that of a source is not known to it. */
  readonly body: Uint8Array | StoredBytes | ByteSource | null;
}

/** Must not throw and must not reject. A hit answers without a promise. */
export type EdgeHandler = (request: EdgeRequest) => EdgeReply | Promise<EdgeReply>;

export interface EdgeServerInit {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly handler: EdgeHandler;
  /** A connection on which nothing moves for so long is closed, s. A request head takes no longer than this either. */
  readonly idleTimeoutS: number;
  readonly limits: ConnectionLimits;
  /** Absent for plain text. */
  readonly tls?: EdgeTls | undefined;
  /** Whose connection it is that comes from a port of the loopback; undefined when it is nobody's but its own. */
  readonly clientOf?: (port: number) => string | undefined;
  /** Whether other processes listen on the same port (SO_REUSEPORT). */
  readonly shared?: boolean;
}

export interface ConnectionLimits {
  /** Of one client address, where the server sees connections: on Node, and behind the PROXY protocol. */
  readonly perClientMax: number;
}

export interface EdgeTls {
  /** The first is shown to clients that name no host, or an unknown one. */
  readonly identities: readonly TlsIdentity[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** HTTP/3 on the UDP port of the same number. On Bun alone. */
  readonly http3: boolean;
  /** Said in every answer: Strict-Transport-Security. */
  readonly fields: Fields;
}

/** The seam between the cache and the runtime's HTTP server. */
export interface EdgeServer {
  readonly port: number;
  /** Stops taking connections; resolves when the answers in flight are out, or cuts them off at the deadline. */
  close(deadlineMs: number): Promise<void>;
  /** Asks the clients that are connected to go elsewhere when they are done, where the runtime can say so (GOAWAY). */
  sendAway(): void;
  /** New connections get these; those there keep theirs until they end. @throws when they cannot be used: the old ones stay */
  replaceCertificates(identities: readonly TlsIdentity[]): Promise<void>;
}

/** @throws Error with `code` EADDRINUSE when the port is taken. */
export type ListenEdgeServer = (init: EdgeServerInit) => Promise<EdgeServer>;

export function replyHead(status: number, fields: Fields): ReplyHead {
  return { status, fields, prebuilt: undefined, prebuiltSecure: undefined, log: undefined };
}

/** Of what is said to those who look after the edge. */
export function unloggedHead(status: number, fields: Fields): ReplyHead {
  return { ...replyHead(status, fields), log: null };
}

export function isSource(body: EdgeReply['body']): body is ByteSource {
  return body !== null && 'read' in body;
}

/** The answer to a request whose connection is the server's no longer. */
export const switched: EdgeReply = { head: replyHead(101, []), body: null };
