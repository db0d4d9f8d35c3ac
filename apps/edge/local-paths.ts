import { healthAnswer, type Health, type HealthReport } from '#runtime';
import { replyHead, unloggedHead, type EdgeReply, type EdgeRequest } from './server/exchange.ts';

/** What the edge says about itself. */
export interface EdgeView {
  readonly status: () => Readonly<Record<string, unknown>>;
  readonly edgeId: string;
  readonly health: Health;
}

function json(status: number, body: string): EdgeReply {
  return {
    head: unloggedHead(status, [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
    ]),
    body: new TextEncoder().encode(body),
  };
}

/** What DASH players set their clocks by (ISO/IEC 23009-1 section 5.8.5.7): this near to them it is exact, and costs the origin nothing. */
function time(now: () => number): EdgeReply {
  return {
    head: replyHead(200, [
      ['content-type', 'text/plain; charset=utf-8'],
      ['cache-control', 'no-store'],
      ['access-control-allow-origin', '*'],
    ]),
    body: new TextEncoder().encode(new Date(now()).toISOString()),
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

function isEdgeStatus(target: string): boolean {
  return target === '/edge-status' || target.startsWith('/edge-status?');
}

/** For everybody but this machine. Whatever the origin had to say here, stored, would be told to this machine, too. */
const absent = json(404, JSON.stringify({ type: 'urn:streams:problem:not-found', title: 'Not Found', status: 404, detail: 'There is nothing here.' }));

/** The paths that never reach the origin: `/healthz`, `/readyz` and `/live/time` for everybody, `/edge-status` for this machine. */
export function localPaths(view: EdgeView, now: () => number): (request: EdgeRequest, target: string) => EdgeReply | Promise<EdgeReply> | undefined {
  const health = (report: HealthReport): EdgeReply => {
    const { status, body } = healthAnswer(report, { app: 'edge', node: view.edgeId });
    return json(status, body);
  };
  return (request, target) => {
    if (isEdgeStatus(target) && !isLoopback(request.clientAddress)) return absent;
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    if (target === '/healthz') return health(view.health.moving());
    if (target === '/readyz') return view.health.ready().then(health);
    if (target === '/live/time') return time(now);
    if (isEdgeStatus(target)) return json(200, JSON.stringify(view.status()));
    return undefined;
  };
}
