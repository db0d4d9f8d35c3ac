import type { Field, Fields, FramedRequest, ProxyError, RequestHead } from '#core/http-cache';

/** A body that comes piece by piece. */
export interface ByteSource {
  /** The next bytes; undefined at the end. A rejection means that the rest will never come: the connection must be cut. */
  read(): Promise<Uint8Array | undefined>;
  /** Nobody wants the rest. */
  cancel(): void;
  /** What has not been read yet, if all of it is here: then nothing is left to read or to cancel. */
  rest?(): Uint8Array | undefined;
}

/** Bytes in the form in which the server sends them without a copy; Bun's `Blob` is one. Immutable. */
export interface StoredBytes {
  readonly size: number;
  /** The part from `start` to `end` (exclusive), without a copy. */
  slice(start: number, end: number): StoredBytes;
}

/** Takes bytes over for keeping. The caller does not change them any more. */
export type KeepBytes = (bytes: Uint8Array) => StoredBytes;

/** Takes bytes for one answer. `sent` is called when they have been copied on their way: nothing can be had of them any more. */
export type LendBytes = (bytes: Uint8Array, sent?: () => void) => StoredBytes;

/** The bytes of what was kept, whole; nobody changes them. */
export type BytesOf = (stored: StoredBytes) => Promise<Uint8Array>;

/** As much of a zone as tells whose an answer is. */
export interface AnsweringZone {
  /** Empty for the platform's own. */
  readonly id: string;
  readonly tenant: string;
  readonly hostInKey: boolean;
  /** The share of its requests, of those looked at, that get a line in the access log; the edge's when undefined. */
  readonly accessSample?: number | undefined;
  readonly keyOfUrl: (url: string) => string | undefined;
}

/** Where a WebSocket is taken, and what is said there besides the handshake's own fields. */
export interface TunnelTarget {
  /** Scheme, host and port. */
  readonly originUrl: string;
  /** What to connect to in place of whatever the host's name leads to. */
  readonly address?: string | undefined;
  /** The name that the origin's certificate must have; its host when left out. */
  readonly serverName?: string | undefined;
  /** PEM, in place of the system's. */
  readonly ca?: string | undefined;
  readonly target: string;
  readonly fields: readonly Field[];
  /** Subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
}

/** What came of a WebSocket's handshake with the origin. */
export type TunnelOutcome =
  /** The connection is the server's no longer. */
  | { readonly kind: 'switched' }
  /** The origin's answer in its place; the body is null where there is none that could be had whole. */
  | { readonly kind: 'refused'; readonly status: number; readonly fields: Fields; readonly body: Uint8Array | null }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Of a request that nobody sent over a connection. */
export const notTunnelled: TunnelOutcome = { kind: 'failed', error: 'http_upgrade_failed' };

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
  /** Takes a WebSocket that this request asks for to the origin. */
  tunnel(target: TunnelTarget): Promise<TunnelOutcome>;
}

/** Status and fields, made once and sent many times. */
export interface ReplyHead {
  readonly status: number;
  readonly fields: Fields;
  /** In which it says the truth, where it goes on to another one: what was made of it in an earlier second is not to be used in this. */
  readonly second: number | undefined;
  /** Of its fields, those that say something else in another second; all of them stand in it once. */
  moving(): Fields;
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

const none: Fields = [];
const moving = (): Fields => none;

export function replyHead(status: number, fields: Fields): ReplyHead {
  return { status, fields, second: undefined, moving, prebuilt: undefined, prebuiltSecure: undefined, log: undefined };
}

/** What is made of a head, once for each and second. */
export class MadeOfHeads<Made> {
  readonly #known = new WeakMap<ReplyHead, { readonly made: Made; readonly second: number | undefined }>();
  readonly #make: (head: ReplyHead) => Made;

  constructor(make: (head: ReplyHead) => Made) {
    this.#make = make;
  }

  of(head: ReplyHead): Made {
    const { second } = head;
    let known = this.#known.get(head);
    if (known === undefined || known.second !== second) {
      known = { made: this.#make(head), second };
      this.#known.set(head, known);
    }
    return known.made;
  }
}

/** Of what is said to those who look after the edge. */
export function unloggedHead(status: number, fields: Fields): ReplyHead {
  return { ...replyHead(status, fields), log: null };
}

export function isSource(body: EdgeReply['body']): body is ByteSource {
  return body !== null && 'read' in body;
}

/** Bytes that are here, as a source that gives them once. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  let left: Uint8Array | undefined = bytes;
  const read = (): Promise<Uint8Array | undefined> => {
    const next = left;
    left = undefined;
    return Promise.resolve(next);
  };
  return { read, cancel: () => (left = undefined) };
}

/** The answer to a request whose connection is the server's no longer. */
export const switched: EdgeReply = { head: replyHead(101, []), body: null };
