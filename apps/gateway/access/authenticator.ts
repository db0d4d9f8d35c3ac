import type { Principal } from '#domain/access';
import type { KeyAuthority } from './key-authority.ts';

/** Why somebody was not let in; goes into logs and events, not to the caller, who learns no more than the detail. */
export type RefusalReason = 'no-credential' | 'malformed' | 'unknown-key' | 'wrong-secret' | 'revoked' | 'expired';

export interface Authenticated {
  readonly refused: false;
  readonly principal: Principal;
  /** What only this principal can know; lives no longer than the request. */
  readonly proof: string;
}

export interface Unauthenticated {
  readonly refused: true;
  readonly reason: RefusalReason;
  /** One sentence for the caller. */
  readonly detail: string;
}

export type Authentication = Authenticated | Unauthenticated;

export function unauthenticated(reason: RefusalReason): Unauthenticated {
  const detail =
    reason === 'no-credential' ? 'Send an API key: "Authorization: Bearer sk_…".' : 'This credential is unknown, expired or revoked. Ask for a new API key.';
  return { refused: true, reason, detail };
}

/**
 * Tells who shows a bearer token, for every way in: the REST guard, gRPC metadata, WebSocket and server-sent events. What
 * the principal may do is asked of the principal (`allows`, `mayPublish`, `mayView` of the access domain).
 */
export class Authenticator {
  readonly #keys: KeyAuthority;

  constructor(keys: KeyAuthority) {
    this.#keys = keys;
  }

  /**
   * @param token what follows "Bearer "; undefined when there was none.
   * @throws when an engine is away: then nobody knows, and the caller should try again.
   */
  async authenticate(token: string | undefined): Promise<Authentication> {
    return token === undefined || token === '' ? unauthenticated('no-credential') : this.#keys.verify(token);
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
