import { allScopes, everyTenant, isTenantId, type Principal, type Scope } from '#domain/access';
import { contexts, type Context } from '#events';

/** Which claims say what; settings, because every identity provider has names of its own. */
export interface ClaimNames {
  readonly scope: string;
  readonly tenant: string;
  readonly contexts: string;
  /** Tenant of a token without the claim; such a token is refused when this is left out. */
  readonly tenantDefault?: string | undefined;
}

const subjectPattern = /^[\x21-\x7e]{1,200}$/;

/** The words of a claim: a list, or one text with spaces between them (RFC 8693 section 4.2). Undefined for anything else. */
function wordsOf(claim: unknown): readonly string[] | undefined {
  if (typeof claim === 'string') return claim.split(' ').filter((word) => word !== '');
  return Array.isArray(claim) && claim.every((word) => typeof word === 'string') ? claim : undefined;
}

/** The claim that is missing, or is nothing that makes a principal. */
export interface ClaimFault {
  readonly claim: string;
}

/**
 * The principal that verified claims make, or the claim that keeps them from it. Scopes that are not ours are another service's
 * and do not count. A token that names contexts has those alone, even if none of them is there.
 */
export function principalOfClaims(claims: Readonly<Record<string, unknown>>, names: ClaimNames): Principal | ClaimFault {
  const { sub, exp } = claims;
  const tenant = claims[names.tenant] ?? names.tenantDefault;
  const scopeWords = wordsOf(claims[names.scope] ?? '');
  const contextWords = claims[names.contexts] === undefined ? null : wordsOf(claims[names.contexts]);
  if (typeof sub !== 'string' || !subjectPattern.test(sub)) return { claim: 'sub' };
  if (typeof exp !== 'number') return { claim: 'exp' };
  if (typeof tenant !== 'string' || !(isTenantId(tenant) || tenant === everyTenant)) return { claim: names.tenant };
  if (scopeWords === undefined) return { claim: names.scope };
  if (contextWords === undefined) return { claim: names.contexts };
  return {
    kind: 'jwt',
    id: sub,
    actor: `jwt:${sub}`,
    tenant,
    scopes: allScopes.filter((scope: Scope) => scopeWords.includes(scope)),
    contexts: contextWords === null ? undefined : contexts.filter((context: Context) => contextWords.includes(context)),
    expiresAtMs: Math.floor(exp * 1000),
  };
}
