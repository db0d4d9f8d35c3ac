import type { OriginClient } from './origin-client.ts';
import type { AddressGuard } from './address-guard.ts';

/** One origin as a client is made for it. */
export interface OriginEndpoint {
  /** Scheme, host and port. */
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** HTTP/2 where its TLS offers it. */
  readonly http2: boolean;
  /** The name that its certificate must have; its host when left out. */
  readonly serverName?: string | undefined;
  /** PEM, in place of the system's. */
  readonly ca?: string | undefined;
  /** Judges the addresses that its name leads to; undefined for one that an operator named. */
  readonly guard?: AddressGuard | undefined;
}

/** Over HTTP/1.1 to one address at once: what a setting may say. */
export const originConnections = { min: 1, usual: 1024, max: 65_536 } as const;

/** What all origins of an edge have in common. */
export interface OriginTerms {
  /** Connections over HTTP/1.1 to one address at once. */
  readonly connectionsMax: number;
  readonly now: () => number;
}

/** The runtime's way to an origin. */
export type ConnectOrigin = (endpoint: OriginEndpoint) => Promise<OriginClient>;
