import { everyTenant, isTenantId } from '#domain/access';
import { invalidSetting, readInteger, readText, type Environment } from '#runtime';
import type { ClaimNames } from './jwt-claims.core.ts';

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly cacheMs: number;
  readonly claims: ClaimNames;
}

const url = /^https?:\/\/\S+$/;
const claimName = /^\S{1,200}$/;

/**
 * Whose JSON Web Tokens are accepted; undefined for nobody's, which is the default.
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readJwtSettings(env: Environment): JwtSettings | undefined {
  const names = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL'] as const;
  const missing = names.filter((name) => (env[name] ?? '') === '');
  if (missing.length === names.length) return undefined;
  if (missing[0] !== undefined)
    throw invalidSetting(missing[0], `is not set, but belongs to ${names.filter((name) => !missing.includes(name)).join(' and ')}`, names);
  const tenantDefault = env['JWT_TENANT_DEFAULT'] || undefined;
  if (tenantDefault !== undefined && !isTenantId(tenantDefault) && tenantDefault !== everyTenant)
    throw invalidSetting('JWT_TENANT_DEFAULT', 'must be a tenant id, or * for every tenant');
  return {
    issuer: env['JWT_ISSUER'] ?? '',
    audience: env['JWT_AUDIENCE'] ?? '',
    jwksUrl: readText(env, 'JWT_JWKS_URL', '', url),
    cacheMs: readInteger(env, 'JWT_CACHE_SECONDS', 300, 1, 86_400) * 1000,
    claims: {
      scope: readText(env, 'JWT_SCOPE_CLAIM', 'scope', claimName),
      tenant: readText(env, 'JWT_TENANT_CLAIM', 'tenant', claimName),
      contexts: readText(env, 'JWT_CONTEXTS_CLAIM', 'contexts', claimName),
      tenantDefault,
    },
  };
}
