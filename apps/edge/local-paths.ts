import { replyHead, type EdgeReply, type EdgeRequest } from './server/edge-server.ts';

/** What the edge says about itself. */
export interface EdgeView {
  readonly status: () => Readonly<Record<string, unknown>>;
  /** Whether it should get traffic. */
  readonly healthy: () => boolean;
}

function json(status: number, document: unknown): EdgeReply {
  return {
    head: replyHead(status, [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
    ]),
    body: new TextEncoder().encode(JSON.stringify(document)),
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** The two paths that never reach the origin: `/healthz` for everybody, `/edge-status` for this machine. */
export function localPaths(view: EdgeView): (request: EdgeRequest, target: string) => EdgeReply | undefined {
  return (request, target) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    if (target === '/healthz') return view.healthy() ? json(200, { status: 'ok' }) : json(503, { status: 'purges-unknown' });
    if (target === '/edge-status' && isLoopback(request.clientAddress)) return json(200, view.status());
    return undefined;
  };
}
