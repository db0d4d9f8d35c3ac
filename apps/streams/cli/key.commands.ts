import type { IssuedKey, KeyView } from '../client/api.types.ts';
import type { CommandContext } from './context.ts';
import { table } from './table.ts';

export async function createKey(
  { api, print }: CommandContext,
  name: string,
  options: { readonly scopes: readonly string[]; readonly ttl?: number },
): Promise<void> {
  const key = await api.call<IssuedKey>('POST', '/api/v1/keys', {
    name,
    scopes: options.scopes,
    ...(options.ttl === undefined ? {} : { ttlSeconds: options.ttl }),
  });
  print(key, () => [
    `Key ${key.id} (${key.name}), scopes ${key.scopes.join(', ')}${key.expiresAt === null ? '' : `, until ${key.expiresAt}`}:`,
    `  ${key.key}   (shown this once)`,
  ]);
}

export async function listKeys({ api, print }: CommandContext, options: { readonly limit: number }): Promise<void> {
  const page = await api.call<{ readonly items: readonly KeyView[] }>('GET', `/api/v1/keys?limit=${options.limit}`);
  const now = Date.now();
  print(page, () =>
    table(
      ['ID', 'STATE', 'SCOPES', 'ISSUED', 'NAME'],
      page.items.map((one) => [one.id, stateOf(one, now), one.scopes.join(','), one.issuedAt ?? '', one.name]),
    ),
  );
}

export async function revokeKey({ api, print }: CommandContext, id: string): Promise<void> {
  await api.call('DELETE', `/api/v1/keys/${encodeURIComponent(id)}`);
  print({ id, revoked: true }, () => [`Key ${id} is revoked: it opens nothing any more, within five seconds everywhere.`]);
}

export function stateOf({ expiresAt, revokedAt }: Pick<KeyView, 'expiresAt' | 'revokedAt'>, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) <= nowMs ? 'expired' : `until ${expiresAt}`;
}
