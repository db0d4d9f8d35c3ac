import { viewerFields, withCacheStatus, withoutHopByHop, type ProxyError } from '#core/http-cache';
import { problem } from '../cache/problem.ts';
import { replyHead, switched, type EdgeReply, type TunnelOutcome } from './exchange.ts';

export interface HandshakeInit {
  readonly target: string;
  readonly cacheName: string;
}

/** An origin that is starting, ending, or overwhelmed: another one may take it. */
const awayStatuses = new Set([502, 503, 504]);

/** Whether another origin may do better. */
export function isWorthAnother(outcome: TunnelOutcome): boolean {
  return outcome.kind === 'failed' || (outcome.kind === 'refused' && awayStatuses.has(outcome.status));
}

const details: Partial<Record<ProxyError, string>> = {
  http_upgrade_failed: 'The origin does not speak WebSocket here.',
  http_response_timeout: 'The origin did not answer the handshake in time.',
  destination_unavailable: 'The origin cannot be reached.',
};

/** What a client gets that asked for a WebSocket: the origin's own word, where it refuses. */
export function handshakeReply(outcome: TunnelOutcome, { cacheName, target }: HandshakeInit): EdgeReply {
  if (outcome.kind === 'switched') return switched;
  if (outcome.kind === 'refused') {
    const { body, status } = outcome;
    const fields = withCacheStatus(viewerFields(withoutHopByHop(outcome.fields)), cacheName, { forwarded: 'bypass', forwardStatus: status });
    return { head: replyHead(status, fields), body };
  }
  const { error } = outcome;
  const status = error === 'http_response_timeout' ? 504 : 502;
  return problem({ status, detail: details[error] ?? 'There is no WebSocket.', target, cacheName, outcome: { forwarded: 'bypass' }, error });
}
