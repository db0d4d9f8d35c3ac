import { webhookChanged, webhookDisabled, webhookRegistered, webhookRemoved, webhookSecretRotated, webhookTestRequested, type DomainEvent } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

const once = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'once' });
const lww = (type: ColumnSpec['type'], stamp: string): ColumnSpec => ({ type, join: 'lww', stamp });

/** One row per webhook that there ever was. */
export const webhookTable: TableSpec = {
  name: 'webhook',
  key: { webhook_id: 'text' },
  columns: {
    tenant: once('text'),
    registered_at_ms: once('bigint'),
    registered_by: once('text'),
    url: lww('text', 'settings'),
    description: lww('text', 'settings'),
    contexts: lww('json', 'settings'),
    types: lww('json', 'settings'),
    subject: lww('text', 'settings'),
    status: lww('text', 'status'),
    status_reason: lww('text', 'status'),
    status_at_ms: lww('bigint', 'status'),
    secret_number: { type: 'integer', join: 'max' },
    rotated_at_ms: { type: 'bigint', join: 'max' },
    tested_at_ms: { type: 'bigint', join: 'max' },
  },
  indexes: [['tenant', 'registered_at_ms']],
};

type Said = Pick<RowChange, 'set'> & { readonly stamps?: Readonly<Record<string, bigint>> };

function saidBy(event: DomainEvent): Said | undefined {
  const at = BigInt(event.time);
  const version = event.streamVersion;
  const status = (text: string, reason: string | null): RowChange['set'] => ({ status: text, status_reason: reason, status_at_ms: at });
  switch (event.type) {
    case webhookRegistered.type: {
      const { webhookId: _, registeredAtMs, ...settings } = event.data;
      const born = { tenant: event.tenant, registered_at_ms: BigInt(registeredAtMs), registered_by: event.actor, secret_number: 1 };
      return { set: { ...born, ...settings, ...status('enabled', null) }, stamps: { settings: version, status: version } };
    }
    case webhookChanged.type: {
      const { webhookId: _, enabled, reason: _why, ...settings } = event.data;
      return { set: { ...settings, ...status(enabled ? 'enabled' : 'disabled', enabled ? null : 'owner') }, stamps: { settings: version, status: version } };
    }
    case webhookDisabled.type:
      return { set: status('disabled', `${event.data.reason}: ${event.data.detail}`), stamps: { status: version } };
    case webhookRemoved.type:
      return { set: status('removed', event.data.reason), stamps: { status: version } };
    case webhookSecretRotated.type:
      return { set: { secret_number: event.data.number, rotated_at_ms: at } };
    case webhookTestRequested.type:
      return { set: { tested_at_ms: at } };
    default:
      return undefined;
  }
}

function project(event: DomainEvent): readonly RowChange[] {
  const said = saidBy(event);
  return said === undefined ? [] : [{ table: webhookTable.name, key: { webhook_id: event.subject }, ...said }];
}

const handles = [webhookRegistered.type, webhookChanged.type, webhookSecretRotated.type, webhookDisabled.type, webhookTestRequested.type, webhookRemoved.type];

/** Who wants which events delivered. */
export const webhooksProjection: Projection<DomainEvent> = {
  name: 'webhooks',
  version: 1,
  contexts: ['operation'],
  handles,
  ignores: ignoredBut(handles),
  tables: [webhookTable],
  project,
};
