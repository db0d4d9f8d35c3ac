import type { EdgeRequest } from './exchange.ts';

export const tunnelLimits = {
  /** Until the origin has switched, ms. */
  handshakeMs: 10_000,
  /** For the body of an answer that refuses, ms. */
  refusalMs: 2000,
  /** What may wait for a slow peer before both sides are closed, bytes: the largest message, and a few beside it. */
  waitingBytesMax: 17 * 1024 * 1024,
  messageBytesMax: 16 * 1024 * 1024,
  /** A peer that has not even answered a ping for so long is gone, s. */
  idleTimeoutS: 120,
} as const;

/** Fields of one handshake, which each connection makes anew (RFC 6455 section 4.1). */
const handshakeFields = new Set(['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol']);

export function isHandshakeField(name: string): boolean {
  return handshakeFields.has(name);
}

/** Subprotocols that the client offers, in its order. */
export function protocolsOffered(request: Pick<EdgeRequest, 'field'>): readonly string[] {
  const names = (request.field('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  return names.filter(Boolean);
}

/** RFC 6455 section 4.2.1. */
export function isWebSocketHandshake(request: Pick<EdgeRequest, 'method' | 'field'>): boolean {
  if (request.method !== 'GET' || request.field('upgrade')?.toLowerCase() !== 'websocket') return false;
  const options = (request.field('connection') ?? '').toLowerCase().split(',');
  return (
    options.some((option) => option.trim() === 'upgrade') && request.field('sec-websocket-version') === '13' && request.field('sec-websocket-key') !== undefined
  );
}

/** What is reported of a connection that ended without a close frame (RFC 6455 section 7.1.5); no frame says it. */
export const brokenOff = 1006;

/** RFC 6455 section 7.4: codes that a close frame may carry; the others are only ever reported. */
export function closeCodeOf(code: number): number {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999) ? code : 1000;
}
