import type { Context } from '#events';
import { defaultTenant, everyTenant } from './tenant.core.ts';
import type { Scope } from './scope.core.ts';

/** Who asks, whatever the way in: REST, gRPC, WebSocket and server-sent events judge by this one value. */
export interface Principal {
  readonly kind: 'key' | 'jwt';
  /** The key's id, or the token's subject. */
  readonly id: string;
  /** As events name it: `key:<id>`, `jwt:<subject>`. */
  readonly actor: string;
  /** Whose things it may touch: a tenant's id, or `*` for everybody's. */
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Event contexts that it may publish to and view; all of them when left out. */
  readonly contexts?: readonly Context[] | undefined;
  /** ms since the Unix epoch; 0 for never. */
  readonly expiresAtMs: number;
  /** Calls per minute; what the platform grants when left out. */
  readonly ratePerMinute?: number | undefined;
}

/** True when the principal may do what needs the scope; admin is all of them. */
export function allows({ scopes }: Pick<Principal, 'scopes'>, wanted: Scope): boolean {
  return scopes.includes('admin') || scopes.includes(wanted);
}

/** True when the principal's contexts include this one. */
export function coversContext({ contexts }: Principal, context: Context): boolean {
  return contexts === undefined || contexts.includes(context);
}

/**
 * True when the principal acts for the platform: what no tenant owns (edges, tenants) is its business. The tenant
 * `default` is the platform's own, so that whoever has one tenant alone need not think about tenants.
 */
export function isOfPlatform({ tenant }: Pick<Principal, 'tenant'>): boolean {
  return tenant === defaultTenant || tenant === everyTenant;
}

/** True when no tenant's things are hidden from the principal: of tenant `*`, or an admin of the platform. */
export function seesEveryTenant({ tenant, scopes }: Pick<Principal, 'tenant' | 'scopes'>): boolean {
  return tenant === everyTenant || (tenant === defaultTenant && scopes.includes('admin'));
}

/** True when the tenant's things are there for the principal; everything else must look as if it did not exist. */
export function seesTenant(principal: Pick<Principal, 'tenant' | 'scopes'>, tenant: string): boolean {
  return principal.tenant === tenant || seesEveryTenant(principal);
}

/** The tenant of what the principal makes. */
export function homeTenantOf({ tenant }: Pick<Principal, 'tenant'>): string {
  return tenant === everyTenant ? defaultTenant : tenant;
}

/** True when the principal may publish events of this context, into its own tenant. */
export function mayPublish(principal: Principal, context: Context): boolean {
  return allows(principal, 'publish') && coversContext(principal, context);
}

/** True when the principal may see events of this context and tenant. */
export function mayView(principal: Principal, context: Context, tenant: string): boolean {
  return (allows(principal, 'view') || allows(principal, 'operate')) && coversContext(principal, context) && seesTenant(principal, tenant);
}

/** True when the principal's time is over at `nowMs`. */
export function isExpired({ expiresAtMs }: Pick<Principal, 'expiresAtMs'>, nowMs: number): boolean {
  return expiresAtMs !== 0 && nowMs >= expiresAtMs;
}
