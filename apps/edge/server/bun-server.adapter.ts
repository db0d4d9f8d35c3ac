import type { Fields } from '#core/http-cache';
import {
  isSource,
  type ByteSource,
  type EdgeReply,
  type EdgeRequest,
  type EdgeServer,
  type EdgeServerInit,
  type KeepBytes,
  type ReplyHead,
} from './edge-server.ts';

/** What is used of Bun's own interface; its type package would change the global types of the whole project. */
interface BunServer {
  readonly port: number;
  readonly pendingRequests: number;
  stop(closeActiveConnections?: boolean): Promise<void>;
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): { readonly address: string } | null;
}

interface BunRuntime {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    development: false;
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
    error: (error: Error) => Response;
  }): BunServer;
}

class BunEdgeRequest implements EdgeRequest {
  /** Bun refuses other versions itself, and lets HTTP/1.0 do without what it does not have. */
  readonly version = '1.1';
  readonly method: string;
  readonly target: string;
  readonly #request: Request;
  readonly #server: BunServer;

  constructor(request: Request, server: BunServer) {
    this.#request = request;
    this.#server = server;
    this.method = request.method;
    const { url } = request;
    // "http://host/path": the path begins at the first slash after the authority. HTTP/1.0 without Host has no authority.
    this.target = url.startsWith('/') ? url : url.slice(url.indexOf('/', 8));
  }

  field(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  get hasBody(): boolean {
    return this.#request.body !== null;
  }

  fields(): Fields {
    return [...this.#request.headers] as unknown as Fields;
  }

  get contentLength(): number | undefined {
    const value = this.#request.headers.get('content-length');
    return value === null ? undefined : Number(value);
  }

  get clientAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? 'unknown';
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
}

/** A Blob is sent from where it lies; other bytes are copied for every answer. */
export const keepOnBun: KeepBytes = (bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

/** The response head as Bun takes it, made once per head. */
function prebuilt(head: ReplyHead): ResponseInit {
  head.prebuilt ??= { status: head.status, headers: new Headers(head.fields as unknown as [string, string][]) };
  return head.prebuilt as ResponseInit;
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

function toResponse(reply: EdgeReply): Response {
  const { body, head } = reply;
  return new Response((isSource(body) ? streamOf(body) : body) as ConstructorParameters<typeof Response>[0], prebuilt(head));
}

async function toResponseLater(reply: Promise<EdgeReply>): Promise<Response> {
  return toResponse(await reply);
}

/** Serves HTTP/1.1 by `Bun.serve`. */
export async function listenOnBun(init: EdgeServerInit): Promise<EdgeServer> {
  const { Bun: bun } = globalThis as unknown as { Bun: BunRuntime };
  const { handler } = init;
  const server = bun.serve({
    hostname: init.host,
    port: init.port,
    idleTimeout: init.idleTimeoutS,
    development: false,
    fetch: (request, self) => {
      const reply = handler(new BunEdgeRequest(request, self));
      return reply instanceof Promise ? toResponseLater(reply) : toResponse(reply);
    },
    error: () => new Response(null, { status: 500 }),
  });
  return { port: server.port, close: (deadlineMs) => close(server, deadlineMs) };
}

async function close(server: BunServer, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
  await Promise.race([server.stop(false), deadline]);
  clearTimeout(timer);
  await Promise.race([server.stop(true), new Promise((resolve) => setTimeout(resolve, 100))]);
}
