import { fieldValue, type Field, type Fields } from '#core/http-cache';
import { assert } from '#kernel';
import type { TlsIdentity } from '#runtime';
import { bunRuntime, type BunServer, type BunTls } from './bun-runtime.ts';
import {
  isSource,
  replyHead,
  switched,
  type ByteSource,
  type BytesOf,
  type EdgeReply,
  type EdgeRequest,
  type KeepBytes,
  type LendBytes,
  type ReplyHead,
  type StoredBytes,
  type TunnelOutcome,
  type TunnelTarget,
} from './exchange.ts';
import type { EdgeServer, EdgeServerInit, EdgeTls } from './edge-server.ts';
import { OriginSocket, tunnelHandlers } from './bun-websocket.ts';
import { handOver, steerNoMore } from './steer-port.ts';

class BunEdgeRequest implements EdgeRequest {
  /** Bun refuses other versions itself, and lets HTTP/1.0 do without what it does not have. HTTP/2 and 3 arrive in the terms of 1.1. */
  readonly version = '1.1';
  readonly method: string;
  readonly target: string;
  readonly scheme: 'http' | 'https';
  zone: EdgeRequest['zone'] = undefined;
  tunnelled: Promise<number> | undefined = undefined;
  readonly #request: Request;
  /** Kept: each look at the request's own costs as much as a look into it. */
  readonly #headers: Headers;
  readonly #server: BunServer;
  readonly #clientOf: EdgeServerInit['clientOf'];
  #clientAddress: string | undefined;

  constructor(request: Request, server: BunServer, scheme: 'http' | 'https', clientOf: EdgeServerInit['clientOf']) {
    this.#clientOf = clientOf;
    this.#request = request;
    this.#headers = request.headers;
    this.#server = server;
    this.scheme = scheme;
    this.method = request.method;
    const { url } = request;
    // "http://host/path": the path begins at the first slash after the authority. HTTP/1.0 without Host has no authority.
    this.target = url.startsWith('/') ? url : url.slice(url.indexOf('/', 8));
  }

  field(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }

  get hasBody(): boolean {
    return this.#request.body !== null || this.losesBody;
  }

  /** Bun reads the body of a GET, and of a HEAD, and gives it to nobody. */
  get losesBody(): boolean {
    if (this.#request.body !== null || (this.method !== 'GET' && this.method !== 'HEAD')) return false;
    return this.#headers.has('transfer-encoding') || (this.#headers.get('content-length') ?? '0') !== '0';
  }

  fields(): Fields {
    return [...this.#headers] as unknown as Fields;
  }

  get contentLength(): number | undefined {
    const value = this.#headers.get('content-length');
    return value === null ? undefined : Number(value);
  }

  /** Asked of the system once: more than one counts by it. */
  get clientAddress(): string {
    return (this.#clientAddress ??= this.#addressOf());
  }

  #addressOf(): string {
    const peer = this.#server.requestIP(this.#request);
    return (peer === null ? undefined : this.#clientOf?.(peer.port)) ?? peer?.address ?? 'unknown';
  }

  get gone(): AbortSignal {
    return this.#request.signal;
  }

  body(): ByteSource | undefined {
    const stream = this.#request.body;
    if (stream === null) return undefined;
    const reader = stream.getReader();
    return {
      read: async () => (await reader.read()).value as Uint8Array | undefined,
      cancel: () => void reader.cancel().catch(() => undefined),
    };
  }

  allowSilence(): void {
    this.#server.timeout(this.#request, 0);
  }

  async tunnel(target: TunnelTarget): Promise<TunnelOutcome> {
    const origin = await OriginSocket.open(target);
    if (!(origin instanceof OriginSocket)) return origin;
    const { protocol } = origin;
    const headers: Record<string, string> = protocol === '' ? {} : { 'sec-websocket-protocol': protocol };
    if (this.#server.upgrade(this.#request, { data: origin, headers })) {
      this.tunnelled = origin.ended;
      return { kind: 'switched' };
    }
    origin.close(1001, 'The client is gone.');
    return { kind: 'failed', error: 'http_upgrade_failed' };
  }
}

/** A Blob is sent from where it lies; other bytes are copied for every answer. */
export const keepOnBun: KeepBytes = (bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

/** Whose memory is used for something else once it was sent. */
interface Loan {
  ended: boolean;
  readonly onEnd: (() => void) | undefined;
}

/** Bytes that are copied when they are sent, which for one time is less than to make a Blob of them. */
class LentBytes implements StoredBytes {
  readonly #bytes: Uint8Array;
  /** One for all slices of the same memory. */
  readonly #loan: Loan;

  constructor(bytes: Uint8Array, loan: Loan) {
    this.#bytes = bytes;
    this.#loan = loan;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** @throws Error when they were sent: something else may stand there by now */
  get bytes(): Uint8Array {
    assert(!this.#loan.ended, 'what was lent for one answer is sent once');
    return this.#bytes;
  }

  slice(start: number, end: number): LentBytes {
    return new LentBytes(this.#bytes.subarray(start, end), this.#loan);
  }

  /** They were copied on their way. */
  end(): void {
    if (this.#loan.ended) return;
    this.#loan.ended = true;
    this.#loan.onEnd?.();
  }
}

export const lendOnBun: LendBytes = (bytes, sent) => new LentBytes(bytes, { ended: false, onEnd: sent });

export const bytesOnBun: BytesOf = async (stored) => (stored instanceof LentBytes ? stored.bytes : new Uint8Array(await (stored as Blob).arrayBuffer()));

/** A response head as Bun takes it; what a Response is made with is copied into it. */
interface BunHead {
  readonly status: number;
  readonly headers: Headers;
  /** Of which it speaks. */
  second: number | undefined;
}

/** Made once per head. */
function prebuilt(head: ReplyHead): BunHead {
  return upToDate((head.prebuilt ??= initOf(head)) as BunHead, head);
}

function prebuiltSecure(head: ReplyHead, more: Fields): BunHead {
  return upToDate((head.prebuiltSecure ??= initOf(head, more)) as BunHead, head);
}

function upToDate(known: BunHead, head: ReplyHead): BunHead {
  if (known.second === head.second) return known;
  for (const [name, value] of head.moving()) known.headers.set(name, value);
  known.second = head.second;
  return known;
}

function initOf({ fields, second, status }: ReplyHead, more: Fields = []): BunHead {
  return { status, headers: new Headers((more.length === 0 ? fields : [...fields, ...more]) as unknown as [string, string][]), second };
}

/** An error in the stream makes Bun cut the connection without the last chunk, so that no client takes a part for the whole. */
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

/** Of a server that is about to stop: who asks again comes to its successor (RFC 9112 section 9.6). Bun takes the field out of answers over HTTP/2 and 3. */
function toLastResponse({ body, head }: EdgeReply, more: Fields): Response {
  const fields = head.fields.filter(([name]) => name !== 'connection');
  return responseOf(body, initOf(replyHead(head.status, fields), [...more, ['connection', 'close']]));
}

/** Of a body that nobody reads, the length of which nobody knows. Bun takes what ends at once for one of 0 bytes. */
const unmeasured: ByteSource = { read: () => new Promise((resolve) => setImmediate(() => resolve(undefined))), cancel: () => undefined };

/** To HEAD: Bun says that it would be 0 bytes long, where RFC 9110 section 8.6 has what a GET would say, or nothing. */
function toHead(reply: EdgeReply): EdgeReply {
  const { body, head } = reply;
  const says = body !== null || head.status === 204 || head.status === 304 || fieldValue(head.fields, 'content-length') !== undefined;
  return says ? reply : { head, body: unmeasured };
}

type ToResponse = (reply: EdgeReply) => Response;

function toResponse({ body, head }: EdgeReply): Response {
  return responseOf(body, prebuilt(head));
}

function responseOf(body: EdgeReply['body'], init: BunHead): Response {
  if (body instanceof LentBytes) {
    const response = new Response(body.bytes as ConstructorParameters<typeof Response>[0], init);
    // A Response has bytes of its own (Fetch section 5.4, "extract a body").
    body.end();
    return response;
  }
  return new Response((isSource(body) ? streamOf(body) : body) as ConstructorParameters<typeof Response>[0], init);
}

async function toResponseLater(reply: Promise<EdgeReply>, convert: ToResponse): Promise<Response | undefined> {
  const settled = await reply;
  return settled === switched ? undefined : convert(settled);
}

const tlsVersions = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const;

/** One entry per name: Bun chooses by the name that the client asks for (a wildcard too), and takes the first where none fits. */
function tlsOf({ minVersion }: EdgeTls, identities: readonly TlsIdentity[]): BunTls[] {
  return identities.flatMap(({ cert, key, names }) => {
    const common = { cert, key, minVersion: tlsVersions[minVersion] };
    return names.length === 0 ? [common] : names.map((serverName) => ({ ...common, serverName }));
  });
}

/** Until connections over QUIC have moved away before a new certificate, ms. */
const quicDrainMs = 1000;
/** Tries to get the same port for TCP and UDP where the system chooses it. */
const portTriesMax = 10;

/**
 * One port of Bun's: plain text, or TLS with HTTP/1.1, 2 and 3. Bun cannot change certificates of a server that runs: the
 * successor listens on the same port before the old one stops taking connections, which then ends as its requests do.
 * HTTP/3 is a server of its own, so that TCP goes on undisturbed: two sockets on one UDP port would share out each other's packets.
 */
class BunEdgeServer implements EdgeServer {
  readonly #init: EdgeServerInit;
  #tcp: BunServer;
  #quic: BunServer | undefined;
  /** Have a successor, and end their connections with the answers that they still give. */
  readonly #leaving = new Set<BunServer>();

  constructor(init: EdgeServerInit) {
    this.#init = init;
    const { tls } = init;
    if (tls !== undefined && init.shared !== true) assertFree(init);
    for (let tries = 1; ; tries++) {
      this.#tcp = this.#serve(init.port, tls?.identities ?? []);
      if (tls?.http3 !== true) return;
      try {
        this.#quic = this.#serve(this.#tcp.port, tls.identities, true);
        return;
      } catch (error) {
        void this.#tcp.stop(true);
        if (init.port !== 0 || tries >= portTriesMax) throw error;
      }
    }
  }

  get port(): number {
    return this.#tcp.port;
  }

  async replaceCertificates(identities: readonly TlsIdentity[]): Promise<void> {
    const old = this.#tcp;
    const { port } = this;
    this.#tcp = this.#serve(port, identities);
    this.#leaving.add(old);
    // What the old one has accepted becomes a request meanwhile, and what is open ends with one; Bun would end both as idle.
    await handOver(port);
    void old.stop(false).finally(() => this.#leaving.delete(old));
    await steerNoMore(port);
    const quic = this.#quic;
    if (quic === undefined) return;
    await ended(quic, quicDrainMs);
    this.#quic = this.#serve(port, identities, true);
  }

  leave(): Promise<void> {
    return handOver(this.port);
  }

  /** Bun has no way to say it over HTTP/2 and 3. */
  sendAway(): void {
    return;
  }

  async close(deadlineMs: number): Promise<void> {
    await Promise.all([ended(this.#tcp, deadlineMs), ...(this.#quic === undefined ? [] : [ended(this.#quic, deadlineMs)])]);
  }

  #serve(port: number, identities: readonly TlsIdentity[], quic = false): BunServer {
    const { clientOf, handler, tls, host, idleTimeoutS, shared } = this.#init;
    const scheme = tls === undefined ? 'http' : 'https';
    const convert = this.#convert();
    const last: ToResponse = (reply) => toLastResponse(reply, tls === undefined ? [] : this.#secureFields(tls));
    return bunRuntime().serve({
      hostname: host,
      port,
      idleTimeout: idleTimeoutS,
      development: false,
      reusePort: shared === true || tls !== undefined,
      ...(tls === undefined ? {} : { tls: tlsOf(tls, identities), http1: !quic, http2: !quic, http3: quic }),
      fetch: (request, self) => {
        const asked = new BunEdgeRequest(request, self, scheme, clientOf);
        const reply = handler(asked);
        const whole = this.#leaving.has(self) ? last : convert;
        const chosen: ToResponse = asked.method === 'HEAD' ? (answer) => whole(toHead(answer)) : whole;
        return reply instanceof Promise ? toResponseLater(reply, chosen) : chosen(reply);
      },
      websocket: tunnelHandlers,
      error: () => new Response(null, { status: 500 }),
    });
  }

  /** Said in every answer under TLS; RFC 7838: HTTP/3 is on the UDP port of the same number. */
  #secureFields(tls: EdgeTls): Fields {
    const altSvc: Field = ['alt-svc', `h3=":${this.port}"; ma=86400`];
    return tls.http3 ? [...tls.fields, altSvc] : tls.fields;
  }

  #convert(): ToResponse {
    const { tls } = this.#init;
    if (tls === undefined) return toResponse;
    let fields: Fields | undefined;
    return ({ body, head }) => responseOf(body, prebuiltSecure(head, (fields ??= this.#secureFields(tls))));
  }
}

/** Sockets that share a port would not notice a stranger's on it. @throws Error with `code` EADDRINUSE */
function assertFree({ host, port }: EdgeServerInit): void {
  if (port === 0) return;
  const answer = (): Response => new Response(null, { status: 503 });
  const probe = bunRuntime().serve({ hostname: host, port, idleTimeout: 1, development: false, reusePort: false, fetch: answer, error: answer });
  void probe.stop(true);
}

/** Serves by `Bun.serve`. */
export async function listenOnBun(init: EdgeServerInit): Promise<EdgeServer> {
  const server = new BunEdgeServer(init);
  // Of one that left this port before.
  if (init.shared === true) await steerNoMore(server.port);
  return server;
}

async function ended(server: BunServer, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
  await Promise.race([server.stop(false), deadline]);
  clearTimeout(timer);
  await Promise.race([server.stop(true), new Promise((resolve) => setTimeout(resolve, 100))]);
}
