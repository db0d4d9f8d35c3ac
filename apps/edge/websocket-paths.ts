import { passThroughFields } from '#core/http-cache';
import { edgeProofHeader, edgeProofOf } from '#runtime';
import type { EdgeReply, EdgeRequest, TunnelOutcome } from './server/exchange.ts';
import { handshakeReply, isWorthAnother } from './server/handshake-reply.ts';
import { isHandshakeField, isWebSocketHandshake, protocolsOffered } from './server/websocket-tunnel.ts';

export interface WebSocketPathsInit {
  /** Any of them does. */
  readonly originUrls: readonly string[];
  readonly pseudonym: string;
  readonly cacheName: string;
  /** Shared with the gateway: proves whose address is forwarded. */
  readonly edgeSecret?: string | undefined;
}

/** Takes WebSockets to the origin: whatever asks for one is never answered from the cache, nor by a fill. */
export function webSocketPaths(init: WebSocketPathsInit): (request: EdgeRequest, target: string) => Promise<EdgeReply> | undefined {
  return (request) => {
    if (request.field('upgrade') === undefined || !isWebSocketHandshake(request)) return undefined;
    return tunnelled(init, request);
  };
}

async function tunnelled({ originUrls, pseudonym, cacheName, edgeSecret }: WebSocketPathsInit, request: EdgeRequest): Promise<EdgeReply> {
  const { clientAddress, scheme, target } = request;
  const forwarded = passThroughFields(request.fields(), { clientAddress, scheme, pseudonym }).filter(([name]) => !isHandshakeField(name));
  const fields = edgeSecret === undefined ? forwarded : [...forwarded, [edgeProofHeader, edgeProofOf(edgeSecret, clientAddress)] as const];
  let outcome: TunnelOutcome = { kind: 'failed', error: 'http_upgrade_failed' };
  for (const originUrl of originUrls) {
    outcome = await request.tunnel({ originUrl, target, fields, protocols: protocolsOffered(request) });
    if (!isWorthAnother(outcome) || request.gone.aborted) break;
  }
  return handshakeReply(outcome, { target, cacheName });
}
