import { healthAnswer, type Health, type HealthReport } from '#runtime';
import { replyHead, type EdgeReply, type EdgeRequest } from './server/edge-server.ts';

/** What the edge says about itself. */
export interface EdgeView {
  readonly status: () => Readonly<Record<string, unknown>>;
  readonly edgeId: string;
  readonly health: Health;
}

function json(status: number, body: string): EdgeReply {
  return {
    head: replyHead(status, [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
    ]),
    body: new TextEncoder().encode(body),
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** The paths that never reach the origin: `/healthz` and `/readyz` for everybody, `/edge-status` for this machine. */
export function localPaths(view: EdgeView): (request: EdgeRequest, target: string) => EdgeReply | Promise<EdgeReply> | undefined {
  const health = (report: HealthReport): EdgeReply => {
    const { status, body } = healthAnswer(report, { app: 'edge', node: view.edgeId });
    return json(status, body);
  };
  return (request, target) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    if (target === '/healthz') return health(view.health.moving());
    if (target === '/readyz') return view.health.ready().then(health);
    if (target === '/edge-status' && isLoopback(request.clientAddress)) return json(200, JSON.stringify(view.status()));
    return undefined;
  };
}
