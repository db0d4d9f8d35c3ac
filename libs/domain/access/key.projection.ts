import {
  accessRefused,
  keyIssued,
  keyRevoked,
  keyRotated,
  masterKeyGivenUp,
  masterKeyRotated,
  subjectErased,
  subjectExported,
  tenantCreated,
  tenantResumed,
  tenantSuspended,
  type DomainEvent,
  type EventOf,
} from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

/** One row per API key, without its hash: keys are checked against their aggregate, never against this table. */
export const apiKeyTable: TableSpec = {
  name: 'api_key',
  key: { key_id: 'text' },
  columns: {
    name: { type: 'text', join: 'once' },
    tenant: { type: 'text', join: 'once' },
    scopes: { type: 'json', join: 'once' },
    contexts: { type: 'json', join: 'once' },
    rate_per_minute: { type: 'integer', join: 'once' },
    issued_at_ms: { type: 'bigint', join: 'once' },
    issued_by: { type: 'text', join: 'once' },
    expires_at_ms: { type: 'bigint', join: 'once' },
    rotated_at_ms: { type: 'bigint', join: 'max' },
    revoked_at_ms: { type: 'bigint', join: 'min' },
    revoke_reason: { type: 'text', join: 'once' },
  },
  indexes: [['issued_at_ms'], ['tenant', 'issued_at_ms']],
};

const standing = (type: 'text' | 'bigint'): ColumnSpec => ({ type, join: 'lww', stamp: 'standing' });

/** One row per tenant besides `default`; null in `status` for one that was never suspended. */
export const tenantTable: TableSpec = {
  name: 'tenant',
  key: { tenant_id: 'text' },
  columns: {
    name: { type: 'text', join: 'once' },
    created_at_ms: { type: 'bigint', join: 'once' },
    created_by: { type: 'text', join: 'once' },
    status: standing('text'),
    status_at_ms: standing('bigint'),
    status_reason: standing('text'),
  },
};

/** One row per kind of refusal: who was refused what from where, and since when. */
export const refusalTable: TableSpec = {
  name: 'refusal',
  key: { address: 'text', who: 'text', operation: 'text', reason: 'text' },
  columns: {
    tenant: { type: 'text', join: 'max' },
    first_at_ms: { type: 'bigint', join: 'min' },
    last_at_ms: { type: 'bigint', join: 'max' },
  },
  personal: { address: { identifies: 'address' } },
  indexes: [['last_at_ms']],
  expires: { newest: 'last_at_ms', oldest: 'first_at_ms' },
};

function keyChange(keyId: string, set: RowChange['set']): readonly RowChange[] {
  return [{ table: apiKeyTable.name, key: { key_id: keyId }, set }];
}

/** In the order of the tenant's own events, which one aggregate decides. */
function standingChange(event: EventOf<typeof tenantSuspended | typeof tenantResumed>, status: string, reason: string | null): readonly RowChange[] {
  const set = { status, status_at_ms: BigInt(event.time), status_reason: reason };
  return [{ table: tenantTable.name, key: { tenant_id: event.data.tenantId }, set, stamps: { standing: event.streamVersion } }];
}

function project(event: DomainEvent): readonly RowChange[] {
  switch (event.type) {
    case keyIssued.type: {
      const { keyId, name, tenant, scopes, contexts, ratePerMinute, expiresAtMs } = event.data;
      const issued = { issued_at_ms: BigInt(event.time), issued_by: event.actor, expires_at_ms: BigInt(expiresAtMs) };
      return keyChange(keyId, { name, tenant, scopes, contexts, rate_per_minute: ratePerMinute, ...issued });
    }
    case keyRotated.type:
      return keyChange(event.data.keyId, { rotated_at_ms: BigInt(event.time) });
    case keyRevoked.type:
      return keyChange(event.data.keyId, { revoked_at_ms: BigInt(event.time), revoke_reason: event.data.reason });
    case tenantCreated.type: {
      const { tenantId, name } = event.data;
      return [{ table: tenantTable.name, key: { tenant_id: tenantId }, set: { name, created_at_ms: BigInt(event.time), created_by: event.actor } }];
    }
    case tenantSuspended.type:
      return standingChange(event, 'suspended', event.data.reason);
    case tenantResumed.type:
      return standingChange(event, 'active', null);
    case accessRefused.type: {
      const { address, who, operation, reason, firstAtMs, lastAtMs } = event.data;
      const set = { tenant: event.tenant, first_at_ms: BigInt(firstAtMs), last_at_ms: BigInt(lastAtMs) };
      return [{ table: refusalTable.name, key: { address, who, operation, reason }, set }];
    }
    default:
      return [];
  }
}

/** Which keys and tenants there are, and who was refused. */
export const keysProjection: Projection<DomainEvent> = {
  name: 'keys',
  version: 4,
  contexts: ['access'],
  handles: [keyIssued.type, keyRotated.type, keyRevoked.type, tenantCreated.type, tenantSuspended.type, tenantResumed.type, accessRefused.type],
  ignores: [subjectErased.type, subjectExported.type, masterKeyRotated.type, masterKeyGivenUp.type],
  tables: [apiKeyTable, tenantTable, refusalTable],
  partitionedBy: { api_key: 'key_id' },
  project,
};
