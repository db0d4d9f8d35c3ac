import type { Fields } from '#core/http-cache';
import type { TlsIdentity } from '#runtime';
import type { EdgeHandler } from './exchange.ts';

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
  /** Hands new connections to whoever came to the port later, where the runtime can: none is lost when this one closes. */
  leave(): Promise<void>;
  /** Asks the clients that are connected to go elsewhere when they are done, where the runtime can say so (GOAWAY). */
  sendAway(): void;
  /** New connections get these; those there keep theirs until they end. @throws when they cannot be used: the old ones stay */
  replaceCertificates(identities: readonly TlsIdentity[]): Promise<void>;
}

/** @throws Error with `code` EADDRINUSE when the port is taken. */
export type ListenEdgeServer = (init: EdgeServerInit) => Promise<EdgeServer>;
