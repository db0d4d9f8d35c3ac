import { keyIssued, keyRevoked, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';

/** One row per API key, without its hash: keys are checked against their aggregate, never against this table. */
export const apiKeyTable: TableSpec = {
  name: 'api_key',
  key: { key_id: 'text' },
  columns: {
    name: { type: 'text', join: 'once' },
    scopes: { type: 'json', join: 'once' },
    issued_at_ms: { type: 'bigint', join: 'once' },
    issued_by: { type: 'text', join: 'once' },
    expires_at_ms: { type: 'bigint', join: 'once' },
    revoked_at_ms: { type: 'bigint', join: 'min' },
    revoke_reason: { type: 'text', join: 'once' },
  },
  indexes: [['issued_at_ms']],
};

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === keyIssued.type) {
    const { keyId, name, scopes, expiresAtMs } = event.data;
    const set = { name, scopes, issued_at_ms: BigInt(event.time), issued_by: event.actor, expires_at_ms: BigInt(expiresAtMs) };
    return [{ table: apiKeyTable.name, key: { key_id: keyId }, set }];
  }
  if (event.type === keyRevoked.type) {
    const { keyId, reason } = event.data;
    return [{ table: apiKeyTable.name, key: { key_id: keyId }, set: { revoked_at_ms: BigInt(event.time), revoke_reason: reason } }];
  }
  return [];
}

/** Which keys there are. */
export const keysProjection: Projection<DomainEvent> = {
  name: 'keys',
  version: 1,
  contexts: ['access'],
  handles: [keyIssued.type, keyRevoked.type],
  ignores: [],
  tables: [apiKeyTable],
  project,
};
