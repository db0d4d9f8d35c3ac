import type { LookupFunction } from 'node:net';
import type { Cancelling } from './cancelling.ts';

/** A connection to an origin, in plain text or over TLS, as the runtime has it. */
export interface Wire {
  /** Takes all of it. A text is ASCII. */
  write(bytes: string | Uint8Array): void;
  /** Something that was written has not gone out yet: `drained` tells when it has. */
  readonly isFull: boolean;
  pause(): void;
  resume(): void;
  /** At once, without a goodbye. */
  terminate(): void;
}

/** Who is told of what happens on a connection, once it is open. */
export interface WireOwner {
  received(bytes: Buffer): void;
  drained(): void;
  /** The other side says no more. */
  finished(): void;
  closed(error?: unknown): void;
}

/** Where a connection leads. */
export interface WireTarget {
  /** A name or an address, of IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** What the other side must prove; undefined for plain text. */
  readonly tls: WireTls | undefined;
  /** How the name is looked up, where it is not by the system. */
  readonly lookup?: LookupFunction | undefined;
}

export interface WireTls {
  /** The name, or the address, that its certificate must have. */
  readonly serverName: string;
  /** PEM, in place of the system's. */
  readonly ca?: string | undefined;
}

/**
 * Resolves when it is open, and the other side has proved what it must; else rejects with an Error whose `code` says why. What is not
 * open yet when nobody wants it any more is ended.
 */
export type OpenWire = (target: WireTarget, owner: WireOwner, opening: Cancelling) => Promise<Wire>;

const schemes = { 'http:': 80, 'https:': 443 } as const;

export interface WireTargetInit extends Pick<WireTarget, 'lookup'>, Pick<WireTls, 'ca'> {
  /** The host of the URL by default. */
  readonly serverName?: string | undefined;
}

/** @param url scheme, host and port */
export function wireTarget(url: URL, { ca, lookup, serverName }: WireTargetInit): WireTarget {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? schemes[url.protocol as keyof typeof schemes] : Number(url.port);
  return { hostname, port, lookup, tls: url.protocol === 'https:' ? { serverName: serverName ?? hostname, ca } : undefined };
}
