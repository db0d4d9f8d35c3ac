import { signatureHeaders } from '#adapters/webhook';
import { edgeMessageKey, type Logger } from '#runtime';
import { randomUUID } from 'node:crypto';
import { problem } from '../cache/problem.ts';
import type { Gateways } from '../gateway/gateways.ts';
import { replyHead, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import type { Zone } from '../zones/zone.ts';
import type { AppliedPurges } from './applied-purges.ts';
import { namedBy, type Named } from './named-by-purge.ts';

export interface OriginDoorDeps {
  readonly edgeId: string;
  /** What this edge is called in Cache-Status. */
  readonly cacheName: string;
  /** Shared with the gateway: proves that an edge asks. */
  readonly edgeSecret: string | undefined;
  readonly gateways: Gateways;
  readonly applied: AppliedPurges;
  readonly now: () => number;
  readonly logger: Pick<Logger, 'warn'>;
}

/** How long the gateway is waited for, and how long until this edge itself has applied what was asked for, ms. */
const gatewayMs = 5_000;
const appliedMs = 2_000;
const answerCharsMax = 16_384;
/** What the gateway says about the request itself; all else is about the platform. */
const saidToClient = new Set([400, 403, 413, 422, 429]);
/** As the gateway takes it from an `Idempotency-Key`. */
const idPattern = /^[\x21-\x7e]{1,128}$/;

function messageOf(named: Named, request: EdgeRequest): object {
  // A name may end in the dot of the root: that names the same host.
  const host = (request.field('host') ?? '').replace(/\.(?=$|:\d+$)/, '');
  const common = { mode: named.soft ? 'soft' : 'hard', reason: request.method };
  if ('tags' in named) return { tags: named.tags, ...common };
  if ('everything' in named) return { all: true, ...common };
  if ('pattern' in named) return { patterns: [named.pattern], ...common };
  if ('begin' in named) return { prefixes: [`http://${host}${named.begin}`], ...common };
  return { urls: [`http://${host}${named.target}`], ...common };
}

interface Said {
  readonly purgeId?: unknown;
  readonly detail?: unknown;
}

function parsed(text: string): Said {
  try {
    const said: unknown = JSON.parse(text.slice(0, answerCharsMax));
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}

/**
 * PURGE and BAN without a key, from an address that the zone names among its purgers: passed on to the gateway, whose purge it
 * becomes, and answered when it is one. Nothing is forgotten here but by that purge: what the platform does not take is not
 * done on one edge alone.
 */
export class OriginDoor {
  readonly #deps: OriginDoorDeps;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: OriginDoorDeps) {
    this.#deps = deps;
  }

  async take(request: EdgeRequest, zone: Zone): Promise<EdgeReply> {
    const { edgeSecret } = this.#deps;
    const { clientAddress, method } = request;
    if (zone.isPurger?.(clientAddress) !== true)
      return this.#refuse(request, 403, `${method} without a key is not taken from ${clientAddress}: it is none of the purgers of this site.`);
    const named = namedBy(request);
    if ('status' in named) return this.#refuse(request, named.status, named.detail);
    if (edgeSecret === undefined) return this.#away(request, 'This edge cannot prove to the platform that it is one: it has no EDGE_SECRET.');
    const asked = await this.#ask(request, zone, named, edgeSecret);
    if (typeof asked === 'string') return this.#away(request, asked);
    const { response, text } = asked;
    const { detail, purgeId } = parsed(text);
    if (response.status === 202 && typeof purgeId === 'string') return this.#taken(purgeId);
    if (!saidToClient.has(response.status))
      return this.#away(request, `The platform does not take it: it answers with ${response.status}${typeof detail === 'string' ? ` (${detail})` : ''}.`);
    const retryAfter = response.headers.get('retry-after');
    const more = retryAfter === null ? [] : [['retry-after', retryAfter] as const];
    return this.#refuse(request, response.status, typeof detail === 'string' ? detail : 'The platform does not take it.', more);
  }

  /** @returns why nobody answered, or what was said */
  async #ask(
    request: EdgeRequest,
    { id: zoneId }: Zone,
    named: Named,
    secret: string,
  ): Promise<{ readonly response: Response; readonly text: string } | string> {
    const { edgeId, gateways, now } = this.#deps;
    const body = JSON.stringify({ zone: zoneId, address: request.clientAddress, edge: edgeId, changed: messageOf(named, request) });
    const key = request.field('idempotency-key') ?? '';
    const message = { id: idPattern.test(key) ? key : randomUUID(), timestamp: Math.floor(now() / 1000), body };
    try {
      const response = await gateways.ask(`/edge/zones/${encodeURIComponent(zoneId)}/purges`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signatureHeaders(message, [edgeMessageKey(secret)]) },
        body,
        timeoutMs: gatewayMs,
      });
      return { response, text: await response.text() };
    } catch {
      return 'The platform cannot be reached, so that nothing was purged.';
    }
  }

  async #taken(purgeId: string): Promise<EdgeReply> {
    const { applied, edgeId } = this.#deps;
    const isApplied = await applied.within(purgeId, appliedMs);
    const said = { purgeId, state: isApplied ? 'applied' : 'requested', edge: edgeId };
    return {
      head: replyHead(isApplied ? 200 : 202, [
        ['content-type', 'application/json'],
        ['cache-control', 'no-store'],
      ]),
      body: new TextEncoder().encode(`${JSON.stringify(said)}\n`),
    };
  }

  /** Nothing was purged, and whoever asked must know. */
  #away(request: EdgeRequest, detail: string): EdgeReply {
    const { logger, now } = this.#deps;
    if (now() - this.#warnedAtMs > 10_000) {
      this.#warnedAtMs = now();
      logger.warn({ address: request.clientAddress }, `${request.method} of an origin was not taken: ${detail}`);
    }
    return this.#refuse(request, 503, detail, [['retry-after', '5']]);
  }

  #refuse({ target }: EdgeRequest, status: number, detail: string, more: ReadonlyArray<readonly [string, string]> = []): EdgeReply {
    return problem({ status, detail, target, cacheName: this.#deps.cacheName, outcome: undefined }, [['connection', 'close'], ...more]);
  }
}
