import type { IssuedKey, KeyView, RotatedKey, TenantView } from '../client/api.types.ts';
import type { CommandContext } from './context.ts';
import { table } from './table.ts';

export interface CreateKeyOptions {
  readonly scopes: readonly string[];
  readonly tenant?: string;
  readonly contexts?: readonly string[];
  readonly rate?: number;
  readonly ttl?: number;
}

export async function createKey({ api, print }: CommandContext, name: string, { scopes, tenant, contexts, rate, ttl }: CreateKeyOptions): Promise<void> {
  // What is left out is left out of the JSON, too.
  const key = await api.call<IssuedKey>('POST', '/api/v1/keys', { name, scopes, tenant, contexts, ratePerMinute: rate, ttlSeconds: ttl });
  print(key, () => [
    `Key ${key.id} (${key.name}) of ${key.tenant}, scopes ${key.scopes.join(', ')}${key.expiresAt === null ? '' : `, until ${key.expiresAt}`}:`,
    `  ${key.key}   (shown this once)`,
  ]);
}

export async function rotateKey({ api, print }: CommandContext, id: string, options: { readonly overlap: number; readonly reason?: string }): Promise<void> {
  const { overlap: overlapSeconds, reason } = options;
  const rotated = await api.call<RotatedKey>('POST', `/api/v1/keys/${encodeURIComponent(id)}/rotate`, { overlapSeconds, reason });
  const { previousUntil } = rotated;
  print(rotated, () => [
    `Key ${rotated.id} has a new secret; the one before ${previousUntil === null ? 'opens nothing any more' : `works until ${previousUntil}`}:`,
    `  ${rotated.key}   (shown this once)`,
  ]);
}

export async function createTenant({ api, print }: CommandContext, id: string, name: string): Promise<void> {
  const tenant = await api.call<{ readonly id: string; readonly name: string }>('POST', '/api/v1/tenants', { id, name });
  print(tenant, () => [`Tenant ${tenant.id} (${tenant.name}) is there. Its first key: streams key create NAME --tenant ${tenant.id} --scope admin`]);
}

export async function suspendTenant({ api, print }: CommandContext, id: string, { reason }: { readonly reason: string }): Promise<void> {
  const tenant = await api.call<{ readonly id: string }>('POST', `/api/v1/tenants/${encodeURIComponent(id)}/suspend`, { reason });
  print(tenant, () => [`Tenant ${tenant.id} is suspended: within five seconds nobody of it is let in anywhere, and its publishers are cut off.`]);
}

export async function resumeTenant({ api, print }: CommandContext, id: string, { reason }: { readonly reason: string }): Promise<void> {
  const tenant = await api.call<{ readonly id: string }>('POST', `/api/v1/tenants/${encodeURIComponent(id)}/resume`, { reason });
  print(tenant, () => [`Tenant ${tenant.id} may go on.`]);
}

export async function listTenants({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly TenantView[] }>('GET', '/api/v1/tenants?limit=1000');
  print(page, () =>
    table(
      ['ID', 'STATE', 'CREATED', 'NAME'],
      page.items.map((one) => [one.id, one.status, one.createdAt ?? '', one.name]),
    ),
  );
}

export async function listKeys({ api, print }: CommandContext, options: { readonly limit: number; readonly tenant?: string }): Promise<void> {
  const tenant = options.tenant === undefined ? '' : `&tenant=${encodeURIComponent(options.tenant)}`;
  const page = await api.call<{ readonly items: readonly KeyView[] }>('GET', `/api/v1/keys?limit=${options.limit}${tenant}`);
  const now = Date.now();
  print(page, () =>
    table(
      ['ID', 'STATE', 'TENANT', 'SCOPES', 'ISSUED', 'NAME'],
      page.items.map((one) => [one.id, stateOf(one, now), one.tenant, one.scopes.join(','), one.issuedAt ?? '', one.name]),
    ),
  );
}

export async function revokeKey({ api, print }: CommandContext, id: string, { reason }: { readonly reason?: string }): Promise<void> {
  const query = reason === undefined ? '' : `?${new URLSearchParams({ reason })}`;
  await api.call('DELETE', `/api/v1/keys/${encodeURIComponent(id)}${query}`);
  print({ id, revoked: true }, () => [`Key ${id} is revoked: it opens nothing any more, within five seconds everywhere.`]);
}

export function stateOf({ expiresAt, revokedAt }: Pick<KeyView, 'expiresAt' | 'revokedAt'>, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) <= nowMs ? 'expired' : `until ${expiresAt}`;
}
