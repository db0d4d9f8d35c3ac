import type { KeyGrant } from './key.decider.ts';
import { seesEveryTenant, type Principal } from './principal.core.ts';
import { defaultTenant, everyTenant } from './tenant.core.ts';

export interface GrantRefusal {
  readonly code: 'unknown-tenant' | 'beyond-own-rights';
  readonly message: string;
}

/**
 * Why somebody may not hand out a key with this grant; undefined when it may. Nobody gives away more than it has, and
 * whoever sees one tenant alone cannot tell another from one that is not there.
 * @param ratePerMinuteMax what a tenant may grant by itself
 */
export function grantRefusal(issuer: Principal, grant: KeyGrant, ratePerMinuteMax: number): GrantRefusal | undefined {
  const { tenant, contexts, ratePerMinute } = grant;
  const { contexts: held } = issuer;
  if (!seesEveryTenant(issuer)) {
    if (tenant !== issuer.tenant) return unknownTenant(tenant);
    if ((ratePerMinute ?? 0) > ratePerMinuteMax)
      return { code: 'beyond-own-rights', message: `ratePerMinute: A tenant grants at most ${ratePerMinuteMax} calls per minute.` };
  }
  if (held !== undefined && (contexts === null || contexts.some((context) => !held.includes(context))))
    return { code: 'beyond-own-rights', message: `contexts: You have ${held.join(', ')}, and can give no more.` };
  return undefined;
}

export function unknownTenant(tenant: string): GrantRefusal {
  return { code: 'unknown-tenant', message: `There is no tenant ${tenant}.` };
}

/** The tenant that a key's events belong to: what is for every tenant is the platform's. */
export function tenantOfGrant({ tenant }: Pick<KeyGrant, 'tenant'>): string {
  return tenant === everyTenant ? defaultTenant : tenant;
}
