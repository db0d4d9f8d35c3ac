import type { BunWebSocketHandlers, OriginSocket } from './bun-websocket.ts';

/** What is used of Bun's own interface; its type package would change the global types of the whole project. */
export interface BunServer {
  readonly port: number;
  readonly pendingRequests: number;
  /** Gracefully: what is idle ends at once (HTTP/2 and 3 by GOAWAY), what is under way when it is done. */
  stop(closeActiveConnections?: boolean): Promise<void>;
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, options: { readonly data: OriginSocket; readonly headers: Readonly<Record<string, string>> }): boolean;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
}

export interface BunTls {
  readonly serverName?: string;
  readonly cert: string;
  readonly key: string;
  /** As a number: a name is refused, and then ignored (Bun 1.4.5). */
  readonly minVersion: number;
}

export interface BunServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly idleTimeout: number;
  readonly development: false;
  readonly reusePort: boolean;
  readonly tls?: readonly BunTls[];
  readonly http1?: boolean;
  readonly http2?: boolean;
  readonly http3?: boolean;
  readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response | undefined>;
  readonly websocket?: BunWebSocketHandlers;
  readonly error: (error: Error) => Response;
}

/** A TCP connection of ours. */
export interface BunSocket {
  /** How much of it went out at once; for the rest `drain` tells when to go on. */
  write(bytes: string | Uint8Array): number;
  pause(): void;
  resume(): void;
  /** At once, without a goodbye. */
  terminate(): void;
}

export interface BunSocketHandlers<Data> {
  /** Of TLS: before anything was agreed upon. */
  open(socket: BunSocket & { readonly data: Data }): void;
  /** @param trusted whether the certificate, and the name in it, is what was asked for; `error` says why not */
  handshake?(socket: { readonly data: Data }, trusted: boolean, error: unknown): void;
  data(socket: { readonly data: Data }, bytes: Buffer): void;
  drain(socket: { readonly data: Data }): void;
  /** The other side says no more. */
  end(socket: { readonly data: Data }): void;
  close(socket: { readonly data: Data }, error?: unknown): void;
  error(socket: { readonly data: Data }, error: unknown): void;
}

export interface BunConnectOptions<Data> {
  readonly hostname: string;
  readonly port: number;
  readonly socket: BunSocketHandlers<Data>;
  readonly data: Data;
  readonly tls?: { readonly serverName: string; readonly rejectUnauthorized: true; readonly ca?: string; readonly ALPNProtocols: Uint8Array };
}

export interface BunRuntime {
  serve(options: BunServeOptions): BunServer;
  connect<Data>(options: BunConnectOptions<Data>): Promise<unknown>;
}

export function bunRuntime(): BunRuntime {
  return (globalThis as unknown as { Bun: BunRuntime }).Bun;
}
