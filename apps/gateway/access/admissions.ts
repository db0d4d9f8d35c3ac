import { allows, coversContext, homeTenantOf, isOfPlatform, seesEveryTenant, type Principal } from '#domain/access';
import type { Clock, RateDecision, RateLimiter } from '#ports';
import type { Logger } from '#runtime';
import { ProblemError } from '../http/problem.errors.ts';
import type { Operation } from '../http/operation.ts';
import type { Authenticated, Unauthenticated } from './authentication.ts';
import type { Authenticator } from './authenticator.ts';
import { anonymousPerMinute, grantedPerMinute } from './rates.constants.ts';
import type { RefusalRecorder } from './refusal-recorder.ts';

/** Somebody who wants something, by whatever protocol. */
export interface Knock {
  readonly operation: Pick<Operation, 'id' | 'scopes' | 'tenancy' | 'context'>;
  /** The bearer token; undefined when there was none. */
  readonly token: string | undefined;
  /** Network address, without the port. */
  readonly address: string;
}

export interface Admitted extends Authenticated {
  /** The bearer token. */
  readonly token: string;
  /** Network address, without the port. */
  readonly address: string;
  /** How the caller's rate stands after this call. */
  readonly rate: Rate;
}

export interface Rate extends RateDecision {
  /** Calls per minute. */
  readonly limit: number;
}

export interface AdmissionsDeps {
  readonly authenticator: Authenticator;
  readonly limiter: RateLimiter;
  readonly refusals: RefusalRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}

const windowMs = 60_000;
/** Addresses that are remembered as having used up what strangers get. */
const exhaustedMax = 10_000;

/** RFC 6750 section 3: the challenge names the scheme, and the error when there was a token. */
function unauthenticatedProblem({ reason, detail }: Unauthenticated): ProblemError {
  // The credential holds, and will again: another one is no help.
  if (reason === 'tenant-suspended') return new ProblemError({ status: 403, code: reason, detail });
  const challenge = `Bearer realm="streams"${reason === 'no-credential' ? '' : `, error="invalid_token", error_description="${detail.replace(/[^ !#-[\]-~]/g, '')}"`}`;
  return new ProblemError({ status: 401, code: 'unauthenticated', detail, headers: { 'www-authenticate': challenge } });
}

function missingScope(scopes: readonly string[]): ProblemError {
  const challenge = `Bearer realm="streams", error="insufficient_scope", scope="${scopes.join(' ')}"`;
  return new ProblemError({
    status: 403,
    code: 'missing-scope',
    detail: `This needs a key with the scope ${scopes.join(' or ')}.`,
    headers: { 'www-authenticate': challenge },
  });
}

/** Why the operation is not this principal's; undefined when it is. */
function denialOf({ scopes, tenancy, context }: Knock['operation'], principal: Principal): ProblemError | undefined {
  if (!scopes.some((scope) => allows(principal, scope))) return missingScope(scopes);
  if (tenancy === 'platform' ? !isOfPlatform(principal) : tenancy === 'all' && !seesEveryTenant(principal))
    return new ProblemError({ status: 403, code: 'platform-only', detail: 'This is about the platform itself; your credential is of one tenant.' });
  if (context !== undefined && !coversContext(principal, context))
    return new ProblemError({ status: 403, code: 'other-context', detail: `Your credential does not cover the event context "${context}".` });
  return undefined;
}

/**
 * The `RateLimit-*` fields that clients know (draft-ietf-httpapi-ratelimit-headers, the revision in use: 06); the reset is
 * in seconds.
 */
export function rateHeaders({ limit, remaining, resetMs }: Rate): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(Math.ceil(resetMs / 1000)),
    'ratelimit-policy': `${limit};w=${windowMs / 1000}`,
  };
}

function tooMany(rate: Rate): ProblemError {
  const seconds = Math.max(1, Math.ceil(rate.retryAfterMs / 1000));
  return new ProblemError({
    status: 429,
    code: 'rate-limited',
    detail: `More than ${rate.limit} calls per minute. Try again in ${seconds} s.`,
    headers: { 'retry-after': String(seconds), ...rateHeaders(rate) },
  });
}

/**
 * The door of every way in: who is it, may it do this, and has it not done too much. Each refusal is put on record.
 * A call counts one, whatever it carries: what a batch may hold is bounded by its size.
 */
export class Admissions {
  readonly #deps: AdmissionsDeps;
  /** Until when an address has used up what strangers get, ms. */
  readonly #exhausted = new Map<string, number>();

  constructor(deps: AdmissionsDeps) {
    this.#deps = deps;
  }

  /** @throws ProblemError 401, 403, 429; whatever an engine that is away throws. */
  async admit({ operation, token, address }: Knock): Promise<Admitted> {
    const { authenticator, clock } = this.#deps;
    // Guessing costs us a look-up: who has been wrong too often is not looked up, unless it was right a moment ago.
    const waitMs = (this.#exhausted.get(address) ?? 0) - clock.now();
    // It cannot be longer than a window, unless the clock was set back.
    if (waitMs > 0 && waitMs <= windowMs && !authenticator.remembers(token)) {
      this.#refused('anonymous', operation.id, 'rate-limited', address);
      throw tooMany({ limit: anonymousPerMinute, allowed: false, remaining: 0, retryAfterMs: waitMs, resetMs: windowMs });
    }
    const shown = await authenticator.authenticate(token);
    if (shown.refused) throw await this.#turnAway(shown, operation.id, address);
    const { principal } = shown;
    const rate = await this.#take(`caller:${principal.tenant}:${principal.actor}`, principal.ratePerMinute ?? grantedPerMinute);
    if (!rate.allowed) {
      this.#refused(principal.actor, operation.id, 'rate-limited', address, homeTenantOf(principal));
      throw tooMany(rate);
    }
    const denied = denialOf(operation, principal);
    if (denied === undefined) return { ...shown, token: token ?? '', address, rate };
    this.#refused(principal.actor, operation.id, denied.init.code, address, homeTenantOf(principal));
    throw denied;
  }

  async #turnAway(shown: Unauthenticated, operation: string, address: string): Promise<ProblemError> {
    this.#refused(shown.who ?? 'anonymous', operation, shown.reason, address, shown.tenant);
    const rate = await this.#take(`address:${address}`, anonymousPerMinute);
    if (rate.allowed) return unauthenticatedProblem(shown);
    if (this.#exhausted.size >= exhaustedMax) this.#exhausted.delete(this.#exhausted.keys().next().value as string);
    this.#exhausted.set(address, this.#deps.clock.now() + rate.retryAfterMs);
    return tooMany(rate);
  }

  async #take(name: string, limit: number): Promise<Rate> {
    const { limiter, clock, logger } = this.#deps;
    try {
      return { limit, ...(await limiter.take(name, 1, { limit, windowMs }, clock.now())) };
    } catch (err) {
      // Nobody is refused because we cannot count.
      logger.warn({ err }, 'rates are not counted');
      return { limit, allowed: true, remaining: limit, retryAfterMs: 0, resetMs: 0 };
    }
  }

  /**
   * Puts on record what was refused behind the door, of a caller who had been let in.
   * @param reason one word, as the caller was told
   */
  refusedLater(principal: Principal, { operation, address, reason }: { readonly operation: string; readonly address: string; readonly reason: string }): void {
    this.#refused(principal.actor, operation, reason, address, homeTenantOf(principal));
  }

  #refused(who: string, operation: string, reason: string, address: string, tenant = 'default'): void {
    this.#deps.refusals.record({ who, operation, reason, address, tenant });
  }
}
