import {
  fieldValue,
  invalidatedKeys,
  mayReachOthers,
  pathOfKey,
  isSafe,
  passThroughFields,
  updatedByHead,
  viewerFields,
  withCacheStatus,
  withoutHopByHop,
  type CacheOutcome,
  type ExchangeTimes,
  type Fields,
  type LabelScope,
  labelsOf,
  type PurgeLedger,
  purgeTargets,
  type TtlSettings,
} from '#core/http-cache';
import { edgeProofHeader, edgeProofOf } from '#runtime';
import type { EdgeCounters } from '../edge-counters.ts';
import type { OriginSource } from '../origin/guarded-origin.ts';
import { OriginError, type OriginResponse } from '../origin/origin-client.ts';
import { replyHead, type ByteSource, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import type { Siblings } from '../processes/siblings.ts';
import type { SharedTier } from '../shared-tier/shared-tier.ts';
import type { ObjectStore } from './object-store.ts';
import { edgeLimits } from '../edge.constants.ts';
import { paced, SlowBodyError } from '../server/paced-body.ts';
import { problem } from './problem.ts';

export interface PassThroughDeps {
  readonly origin: OriginSource;
  readonly store: ObjectStore;
  readonly ledger: PurgeLedger;
  /** Other processes, which have it from the same origin. */
  readonly siblings?: Pick<Siblings, 'invalidate'> | undefined;
  /** Where other edges may have put what is older. */
  readonly shared?: Pick<SharedTier, 'forget'> | undefined;
  readonly scope: LabelScope;
  readonly counters: EdgeCounters;
  readonly ttl: TtlSettings;
  /** Makes keys of what a response names. */
  readonly normalise: (target: string) => string | undefined;
  readonly now: () => number;
  readonly cacheName: string;
  readonly pseudonym: string;
  /** Shared with the gateway: proves whose address is forwarded. */
  readonly edgeSecret?: string | undefined;
  /** Of one request, bytes. */
  readonly requestBytesMax: number;
}

/** As a response names them; what of it counts in a key is the zone's to say. */
const asNamed = { query: { kind: 'all' }, sortQuery: false } as const;

class TooLargeError extends Error {}

function withoutLength(fields: Fields): Fields {
  return fields.filter(([name]) => name !== 'content-length');
}

/** Counts what a client sends, and stops when it is more than it may be. */
function limited(body: ByteSource | undefined, bytesMax: number): ByteSource | undefined {
  if (body === undefined) return undefined;
  let count = 0;
  return {
    read: async () => {
      const bytes = await body.read();
      count += bytes?.length ?? 0;
      if (count <= bytesMax) return bytes;
      body.cancel();
      throw new TooLargeError();
    },
    cancel: () => body.cancel(),
  };
}

/** Takes a request to the origin and its response back for one client alone, as it comes, in both directions. */
export class PassThrough {
  readonly #deps: PassThroughDeps;

  constructor(deps: PassThroughDeps) {
    this.#deps = deps;
  }

  /** @param key whose path is the normal target; the origin gets the client's own spelling */
  async forward(request: EdgeRequest, key: string, outcome: CacheOutcome): Promise<EdgeReply> {
    const { cacheName, now, origin, requestBytesMax } = this.#deps;
    if ((request.contentLength ?? 0) > requestBytesMax) return this.#tooLarge(request, outcome);
    const sent = request.body();
    const body = limited(sent === undefined ? undefined : paced(sent, edgeLimits.requestPace, now), requestBytesMax);
    const { generation } = this.#deps.ledger;
    const requestTimeMs = this.#deps.now();
    try {
      const response = await origin.request({
        method: request.method,
        key,
        target: request.target,
        fields: this.#fields(request),
        body,
        signal: request.gone,
        mayBeSilent: true,
        patient: true,
      });
      if (!isSafe(request.method)) await this.#invalidate(request, key, response);
      if (request.method === 'HEAD') this.#freshen(request, key, response, { requestTimeMs, responseTimeMs: this.#deps.now() }, generation);
      return this.relay(request, response, { ...outcome, forwardStatus: response.status });
    } catch (error) {
      body?.cancel();
      if (error instanceof SlowBodyError || (error instanceof Error && error.cause instanceof SlowBodyError)) return this.#tooSlow(request, outcome);
      if (error instanceof TooLargeError || (error instanceof Error && error.cause instanceof TooLargeError)) return this.#tooLarge(request, outcome);
      const { target } = request;
      if (error instanceof OriginError)
        return problem({
          ...{ status: error.status, detail: error.message, target, cacheName, error: error.proxyError },
          outcome: { ...outcome, detail: error.code.toLowerCase() },
        });
      return problem({ status: 502, detail: 'The request was broken off.', target, cacheName, outcome, error: 'connection_terminated' });
    }
  }

  /** The origin's response for one client. */
  relay(request: EdgeRequest, response: OriginResponse, outcome: CacheOutcome): EdgeReply {
    if (fieldValue(response.fields, 'content-type')?.startsWith('text/event-stream') === true) request.allowSilence();
    const fields = withCacheStatus(viewerFields(withoutHopByHop(response.fields)), this.#deps.cacheName, outcome);
    const { body } = response;
    const none = body === null || request.method === 'HEAD';
    if (body !== null && none) body.cancel();
    const whole = none ? undefined : body.rest?.();
    if (whole === undefined) return { head: replyHead(response.status, fields), body: none ? null : this.#counted(body) };
    // One write, whose length the server states.
    this.#deps.counters.bytesServed += whole.length;
    return { head: replyHead(response.status, withoutLength(fields)), body: whole };
  }

  #fields(request: EdgeRequest): ReturnType<typeof passThroughFields> {
    const { pseudonym, edgeSecret } = this.#deps;
    const { clientAddress } = request;
    const fields = passThroughFields(request.fields(), { clientAddress, scheme: request.scheme, pseudonym });
    return edgeSecret === undefined ? fields : [...fields, [edgeProofHeader, edgeProofOf(edgeSecret, clientAddress)]];
  }

  /** RFC 9111 section 4.4. A fill that is under way was asked for before the change: it is not stored either. */
  async #invalidate(request: EdgeRequest, key: string, response: OriginResponse): Promise<void> {
    const { ledger, normalise, shared, siblings, store } = this.#deps;
    const gone: string[] = [];
    const path = pathOfKey(key);
    const prefix = key.slice(0, key.length - path.length);
    for (const named of invalidatedKeys({ method: request.method, target: path, host: request.field('host') }, response, asNamed)) {
      const changed = prefix + (normalise(named) ?? named);
      ledger.purge(purgeTargets.key(changed));
      store.purge(changed);
      gone.push(changed);
    }
    shared?.forget(gone);
    await store.flush();
    if (gone.length > 0) await siblings?.invalidate(gone);
  }

  /** RFC 9111 section 4.3.5. What a purge overtook says nothing any more. */
  #freshen(request: EdgeRequest, key: string, response: OriginResponse, times: ExchangeTimes, generation: number): void {
    const { ledger, scope, store, ttl } = this.#deps;
    const object = store.find(key, request);
    if (object === undefined || !ledger.isCurrent(object, generation) || !mayReachOthers(request, response.fields)) return;
    const verdict = updatedByHead(object.response, object.length, pathOfKey(key), response, times, ttl);
    if (verdict.kind === 'renewed') object.renew({ labels: labelsOf(verdict.response.fields, key, scope), response: verdict.response, generation });
    if (verdict.kind === 'outdated') store.remove(object);
  }

  #counted(body: ByteSource): ByteSource {
    const { counters } = this.#deps;
    return {
      read: async () => {
        const bytes = await body.read();
        counters.bytesServed += bytes?.length ?? 0;
        return bytes;
      },
      cancel: () => body.cancel(),
    };
  }

  #tooSlow({ target }: EdgeRequest, outcome: CacheOutcome): EdgeReply {
    const { cacheName } = this.#deps;
    const detail = 'The request came too slowly.';
    return problem({ status: 408, detail, target, cacheName, outcome, error: 'http_request_error' }, [['connection', 'close']]);
  }

  #tooLarge({ target }: EdgeRequest, outcome: CacheOutcome): EdgeReply {
    const { cacheName, requestBytesMax } = this.#deps;
    return problem({ status: 413, detail: `A request may carry ${requestBytesMax} bytes.`, target, cacheName, outcome, error: 'http_request_error' }, [
      ['connection', 'close'],
    ]);
  }
}
