import { homeTenantOf, type Principal } from '#domain/access';
import { unauthenticated, type Authentication } from './authentication.ts';
import { looksLikeJwt, type JwtVerifier } from './jwt-verifier.ts';
import type { KeyAuthority } from './key-authority.ts';
import type { TenantStandings } from './tenant-standings.ts';

/**
 * Tells who shows a bearer token, for every way in: the REST guard, gRPC metadata, WebSocket and server-sent events. What
 * the principal may do is asked of the principal (`allows`, `mayPublish`, `mayView` of the access domain).
 */
export class Authenticator {
  readonly #keys: KeyAuthority;
  readonly #tenants: Pick<TenantStandings, 'of'>;
  readonly #tokens: JwtVerifier | undefined;

  /** @param tokens left out where no identity provider is set */
  constructor(keys: KeyAuthority, tenants: Pick<TenantStandings, 'of'>, tokens?: JwtVerifier) {
    this.#keys = keys;
    this.#tenants = tenants;
    this.#tokens = tokens;
  }

  /**
   * @param token what follows "Bearer "; undefined when there was none.
   * @throws when an engine is away: then nobody knows, and the caller should try again.
   */
  async authenticate(token: string | undefined): Promise<Authentication> {
    if (token === undefined || token === '') return unauthenticated('no-credential');
    const shown = await (this.#tokens !== undefined && looksLikeJwt(token) ? this.#tokens.verify(token) : this.#keys.verify(token));
    if (shown.refused) return shown;
    const { actor, tenant } = shown.principal;
    const standing = await this.#tenants.of(tenant);
    if (standing === 'good') return shown;
    // What a token says of a tenant that is not there is nobody's business but the platform's.
    if (standing === 'absent') return unauthenticated('unknown-tenant', { who: actor });
    return unauthenticated('tenant-suspended', { who: actor, tenant: homeTenantOf(shown.principal) });
  }

  /** True when the credential was seen lately and costs no look-up. */
  remembers(token: string | undefined): boolean {
    return token !== undefined && (this.#keys.remembers(token) || this.#tokens?.remembers(token) === true);
  }

  /**
   * For streams that stay open: true while the token still lets in who it let in. Ask every `recheckMs`,
   * so that a revoked key ends within five seconds. An engine that is away says nothing about the credential.
   */
  async stillHolds(token: string, principal: Principal): Promise<boolean> {
    try {
      const now = await this.authenticate(token);
      return !now.refused && sameRights(now.principal, principal);
    } catch {
      return true;
    }
  }
}

/** How often an open stream asks whether its credential still holds, ms. */
export const recheckMs = 1_500;

/** A principal with other rights is another one: a stream that it opened ends, and it may come back with what it has now. */
function sameRights(one: Principal, other: Principal): boolean {
  const pick = ({ actor, tenant, scopes, contexts }: Principal): string => JSON.stringify([actor, tenant, scopes, contexts ?? null]);
  return pick(one) === pick(other);
}
