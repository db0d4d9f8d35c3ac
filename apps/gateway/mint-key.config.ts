import { allScopes, defaultTenant, everyTenant, isTenantId, type Scope } from '#domain/access';
import { invalidSetting, readSharedSettings } from '#runtime';
import { parseArgs } from 'node:util';

export interface MintKeyRequest {
  readonly databaseUrl: string;
  readonly node: string;
  /** Issue the admin key if there has never been one, and nothing else. */
  readonly firstAdmin: boolean;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** `*` for every tenant. It is not looked up: whoever has the database may write anything there. */
  readonly tenant: string;
  /** 0 for never. */
  readonly ttlSeconds: number;
}

/** @throws OperatingError `SETTING_INVALID` naming the option or variable. */
export function readMintKeyRequest(args: readonly string[] = process.argv.slice(2)): MintKeyRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string', default: '' },
      scopes: { type: 'string', default: '' },
      tenant: { type: 'string', default: defaultTenant },
      ttl: { type: 'string', default: '0' },
      'first-admin': { type: 'boolean', default: false },
    },
  });
  const { databaseUrl, node } = readSharedSettings();
  if (databaseUrl === undefined) throw invalidSetting('DATABASE_URL', 'is not set');
  const firstAdmin = values['first-admin'];
  const scopes = values.scopes.split(',').filter((scope) => scope !== '');
  const unknown = scopes.find((scope) => !allScopes.includes(scope as Scope));
  if (unknown !== undefined) throw invalidSetting('--scopes', `has "${unknown}"; there are ${allScopes.join(', ')}`);
  if (!firstAdmin && (scopes.length === 0 || values.name === '')) throw invalidSetting('--name and --scopes', 'must be given');
  if (values.tenant !== everyTenant && !isTenantId(values.tenant)) throw invalidSetting('--tenant', 'must be a tenant id, or * for every tenant');
  if (!/^\d{1,9}$/.test(values.ttl)) throw invalidSetting('--ttl', 'must be a whole number of seconds');
  return { databaseUrl, node, firstAdmin, name: values.name, scopes: scopes as Scope[], tenant: values.tenant, ttlSeconds: Number(values.ttl) };
}
