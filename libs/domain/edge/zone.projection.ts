import {
  edgeAdmitted,
  edgeDrained,
  edgeRemoved,
  edgeResumed,
  edgeScaleAdvised,
  prefetchModelPublished,
  purgePolicySet,
  zoneConfigured,
  zoneHostsClaimed,
  zoneRemoved,
  type DomainEvent,
  type EventOf,
} from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

const newest = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'version' });

/** One row per zone that there ever was, with its newest version; the configuration as JSON. */
export const zoneTable: TableSpec = {
  name: 'zone',
  key: { zone_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    name: { type: 'text', join: 'once' },
    status: newest('text'),
    zone_version: newest('bigint'),
    epoch: newest('bigint'),
    configuration: newest('text'),
    shield_url: newest('text'),
    reason: newest('text'),
    at_ms: newest('bigint'),
    actor: newest('text'),
  },
  indexes: [['tenant', 'name']],
};

/** One row per version of a zone: what a roll-back brings back. Null in `configuration` for the one that removed it. */
export const zoneVersionTable: TableSpec = {
  name: 'zone_version',
  key: { zone_id: 'text', zone_version: 'bigint' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    configuration: { type: 'text', join: 'once' },
    reason: { type: 'text', join: 'once' },
    rolled_back_to: { type: 'bigint', join: 'once' },
    at_ms: { type: 'bigint', join: 'once' },
    actor: { type: 'text', join: 'once' },
  },
  indexes: [],
};

/** One row per zone and domain: the hosts of the domain that are the zone's. */
export const zoneClaimTable: TableSpec = {
  name: 'zone_claim',
  key: { zone_id: 'text', domain: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    hosts: newest('json'),
    claimed_at_ms: newest('bigint'),
  },
  indexes: [['tenant']],
};

/** One row per tenant that ever said what edges do in doubt; null in `policy` for what each edge is set to. */
export const purgePolicyTable: TableSpec = {
  name: 'purge_policy',
  key: { tenant: 'text' },
  columns: {
    policy: newest('text'),
    reason: newest('text'),
    at_ms: newest('bigint'),
    actor: newest('text'),
  },
  indexes: [],
};

function preferred(event: EventOf<typeof purgePolicySet>): readonly RowChange[] {
  const { owner, policy, reason } = event.data;
  const set = { policy, reason, at_ms: BigInt(event.time), actor: event.actor };
  return [{ table: purgePolicyTable.name, key: { tenant: owner }, set, stamps: { version: event.streamVersion } }];
}

function claimed(event: EventOf<typeof zoneHostsClaimed>): readonly RowChange[] {
  const { claimedAtMs, domain, hosts, owner, zoneId } = event.data;
  const set = { tenant: owner, hosts, claimed_at_ms: BigInt(claimedAtMs) };
  return [{ table: zoneClaimTable.name, key: { zone_id: zoneId, domain }, set, stamps: { version: event.streamVersion } }];
}

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === zoneHostsClaimed.type) return claimed(event);
  if (event.type === purgePolicySet.type) return preferred(event);
  if (event.type !== zoneConfigured.type && event.type !== zoneRemoved.type) return [];
  const { name, reason, zoneVersion } = event.data;
  const configured = event.type === zoneConfigured.type ? event.data : undefined;
  const text = configured === undefined ? null : JSON.stringify(configured.configuration);
  const said = { configuration: text, reason, at_ms: BigInt(event.time), actor: event.actor };
  const serving = { epoch: configured === undefined ? null : BigInt(configured.epoch), shield_url: configured?.shieldUrl ?? null };
  const back = configured?.rolledBackTo ?? null;
  return [
    {
      table: zoneTable.name,
      key: { zone_id: event.subject },
      set: { tenant: event.tenant, name, status: configured === undefined ? 'removed' : 'configured', zone_version: BigInt(zoneVersion), ...serving, ...said },
      stamps: { version: event.streamVersion },
    },
    {
      table: zoneVersionTable.name,
      key: { zone_id: event.subject, zone_version: BigInt(zoneVersion) },
      set: { tenant: event.tenant, ...said, rolled_back_to: back === null ? null : BigInt(back) },
    },
  ];
}

/** Which hosts are served how, and were at every version. */
export const zonesProjection: Projection<DomainEvent> = {
  name: 'zones',
  version: 2,
  contexts: ['zone'],
  handles: [zoneConfigured.type, zoneRemoved.type, zoneHostsClaimed.type, purgePolicySet.type],
  // A read model of its own has them.
  ignores: [edgeAdmitted.type, edgeDrained.type, edgeResumed.type, edgeRemoved.type, edgeScaleAdvised.type, prefetchModelPublished.type],
  tables: [zoneTable, zoneVersionTable, zoneClaimTable, purgePolicyTable],
  project,
};
