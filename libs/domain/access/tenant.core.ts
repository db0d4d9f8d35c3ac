/** The platform's own tenant: it is there from the beginning, and everything older than tenants belongs to it. */
export const defaultTenant = 'default';

/** Stands for every tenant in a key or token; never the tenant of a thing. */
export const everyTenant = '*';

/** True for a text that can name a tenant: `acme`, `acme-tv`. */
export function isTenantId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);
}
