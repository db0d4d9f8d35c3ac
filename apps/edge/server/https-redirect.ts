import { framingFault } from '#core/http-cache';
import { replyHead, type EdgeHandler } from './exchange.ts';

/** What is asked for without TLS on purpose: by probes, by this machine, and by those who issue certificates (RFC 8555 section 8.3). */
const plainTargets = new Set(['/healthz', '/readyz', '/edge-status']);
const challenges = '/.well-known/acme-challenge/';

/** Sends everybody to HTTPS (308: the method stays). @param tlsPort asked for at each redirect: the system may have chosen it */
export function redirectingToHttps(handler: EdgeHandler, tlsPort: () => number): EdgeHandler {
  return (request) => {
    const { target } = request;
    const host = request.field('host')?.replace(/:\d+$/, '');
    const plain = plainTargets.has(target) || target.startsWith(challenges);
    if (plain || host === undefined || !target.startsWith('/') || framingFault(request) !== undefined) return handler(request);
    const port = tlsPort();
    const location = `https://${host}${port === 443 ? '' : `:${port}`}${target}`;
    return {
      head: replyHead(308, [
        ['location', location],
        ['cache-control', 'no-store'],
      ]),
      body: null,
    };
  };
}
