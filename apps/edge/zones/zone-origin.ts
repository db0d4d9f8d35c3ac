import { fieldValue, hostOfKey, pathOfKey, type Field, type Fields } from '#core/http-cache';
import type { ZoneConfiguration } from '#events';
import type { GuardedRequest, OriginSource } from '../origin/guarded-origin.ts';
import { OriginError, type OriginResponse } from '../origin/origin-client.ts';
import { withCarriedTags, withTagsTaken } from './shield-tags.ts';
import { confirmed, ZoneCompression } from './zone-compression.ts';
import { edited, pathPart, type ZoneRules } from './zone-rules.ts';
import { withRuledLifetime } from './zone-ttl.ts';

export interface ZoneOriginInit {
  readonly configuration: ZoneConfiguration;
  readonly rules: ZoneRules;
  /** Other edges come here first. */
  readonly isShield: boolean;
  /** What tells a shield that an edge asks. */
  readonly proof: Field | undefined;
  /** What a shield is asked for where keys do not tell the host. */
  readonly shieldHost: string;
}

export interface ZoneOriginDeps {
  readonly origins: OriginSource;
  /** Another edge that is asked first for what everybody may have; undefined where there is none, or it is this. */
  readonly shield?: OriginSource | undefined;
  /** Whether something was purged a moment ago: a shield may not know it yet. */
  readonly purgedLately: () => boolean;
  readonly now: () => number;
}

/** How long a shield that failed is passed by, ms. */
const shieldHoldMs = 5000;
const unwell = new Set([502, 503, 504, 508]);

/** Whether the answer came from an origin, or from an edge or gateway that had none (RFC 9209). */
const isOwnProblem = ({ fields, status }: OriginResponse): boolean => unwell.has(status) && fieldValue(fields, 'proxy-status') !== undefined;

/** The origins of a zone behind its rules: what goes to them is edited, and so is what comes, before it is stored. */
export class ZoneOrigin implements OriginSource {
  readonly #init: ZoneOriginInit;
  readonly #deps: ZoneOriginDeps;
  readonly #compression: ZoneCompression | undefined;
  #shieldDownUntilMs = 0;

  constructor(init: ZoneOriginInit, deps: ZoneOriginDeps) {
    this.#init = init;
    this.#deps = deps;
    const { compression } = init.configuration;
    this.#compression = compression === undefined ? undefined : new ZoneCompression(compression);
  }

  async request(request: GuardedRequest): Promise<OriginResponse> {
    const shielded = await this.#fromShield(request);
    const path = pathPart(pathOfKey(request.key ?? request.target));
    // What a shield sends has been through the same rules.
    const response = shielded ?? this.#shaped(await this.#fromOrigins(request, path), request, path);
    if (request.shared !== true) return response;
    const rule = this.#init.rules.ttl(path, fieldValue(response.fields, 'content-type'));
    return { ...response, fields: withRuledLifetime(response.fields, response.status, rule, this.#deps.now()) };
  }

  #fromOrigins(request: GuardedRequest, path: string): Promise<OriginResponse> {
    return this.#deps.origins.request({ ...request, fields: this.asked(request.fields, hostOfKey(request.key ?? ''), path) });
  }

  /** What the rules make of the fields of a request. @param named the host that the client named, where keys tell it */
  asked(fields: Fields, named: string | undefined, path: string): Fields {
    const { configuration, rules } = this.#init;
    const strips = rules.first('cookies', path) === 'strip';
    const asked: Field[] = strips ? fields.filter(([name]) => name !== 'cookie') : [...fields];
    const { hostHeader = 'origin' } = configuration;
    const host = hostHeader === 'request' ? named : hostHeader === 'origin' ? undefined : hostHeader;
    if (host !== undefined) asked.push(['host', host]);
    return edited(asked, rules.edits('requestHeaders', path));
  }

  #shaped(response: OriginResponse, request: GuardedRequest, path: string): OriginResponse {
    const { rules } = this.#init;
    if (response.status === 304) return confirmed(response, fieldValue(request.fields, 'if-none-match'));
    const contentType = fieldValue(response.fields, 'content-type');
    const strips = rules.first('cookies', path) === 'strip';
    const kept = strips ? response.fields.filter(([name]) => name !== 'set-cookie') : response.fields;
    const fields = edited(kept, rules.edits('responseHeaders', path, contentType));
    const shaped = { ...response, fields: this.#init.isShield ? withCarriedTags(fields) : fields };
    if (this.#compression === undefined || rules.first('compress', path, contentType) === false) return shaped;
    const accepts = fieldValue(request.fields, 'accept-encoding');
    return this.#compression.apply(shaped, { method: request.method, accepts, ranged: fieldValue(request.fields, 'range') !== undefined });
  }

  /** Undefined where the origins are to be asked instead. */
  async #fromShield(request: GuardedRequest): Promise<OriginResponse | undefined> {
    const { now, purgedLately, shield } = this.#deps;
    const { key, shared } = request;
    if (shield === undefined || shared !== true || key === undefined || now() < this.#shieldDownUntilMs || purgedLately()) return undefined;
    const { proof, shieldHost } = this.#init;
    const host: Field = ['host', hostOfKey(key) ?? shieldHost];
    const fields: Fields = proof === undefined ? [...request.fields, host] : [...request.fields, host, proof];
    try {
      const response = await shield.request({ ...request, fields });
      if (!isOwnProblem(response)) return { ...response, fields: withTagsTaken(response.fields) };
      response.body?.cancel();
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
    }
    this.#shieldDownUntilMs = now() + shieldHoldMs;
    return undefined;
  }
}
