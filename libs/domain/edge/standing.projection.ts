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
import { partitionOf, type ColumnSpec, type Projection, type RowChange, type TableSpec } from '#kernel';
import type { EdgeStanding } from './standing.decider.ts';

const grouped =
  (stamp: string) =>
  (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp });
const ofStanding = grouped('standing');
const ofAdmission = grouped('admission');
const ofAdvice = grouped('advice');

/** One row per edge that an operator decided about, or that showed a key, by the region that it is of. */
export const edgeStandingTable: TableSpec = {
  name: 'edge_standing',
  key: { edge_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    /** `serving`, `draining`, `removed`; null for one that nobody has decided about. */
    standing: ofStanding('text'),
    reason: ofStanding('text'),
    at_ms: ofStanding('bigint'),
    actor: ofStanding('text'),
    key_id: ofAdmission('text'),
    admitted_at_ms: ofAdmission('bigint'),
  },
};

/** One row per region of edges: how many there should be by the last advice. */
export const edgeScaleTable: TableSpec = {
  name: 'edge_scale',
  key: { region: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    current: ofAdvice('bigint'),
    desired: ofAdvice('bigint'),
    load: ofAdvice('double'),
    reason: ofAdvice('text'),
    at_ms: ofAdvice('bigint'),
  },
};

const standings: Readonly<Record<string, EdgeStanding>> = {
  [edgeDrained.type]: 'draining',
  [edgeResumed.type]: 'serving',
  [edgeRemoved.type]: 'removed',
};

type Decided = EventOf<typeof edgeAdmitted | typeof edgeDrained | typeof edgeResumed | typeof edgeRemoved>;

function decided(event: Decided): RowChange {
  const key = { edge_id: event.data.edgeId, origin: event.origin ?? '' };
  const at = BigInt(event.time);
  if (event.type === edgeAdmitted.type) {
    const set = { key_id: event.data.keyId, admitted_at_ms: at };
    return { table: edgeStandingTable.name, key, set, stamps: { admission: event.streamVersion } };
  }
  const set = { standing: standings[event.type] as EdgeStanding, reason: event.data.reason, at_ms: at, actor: event.actor };
  return { table: edgeStandingTable.name, key, set, stamps: { standing: event.streamVersion } };
}

function advised({ data, id, origin, time }: EventOf<typeof edgeScaleAdvised>): RowChange {
  const set = { current: BigInt(data.current), desired: BigInt(data.desired), load: data.load, reason: data.reason, at_ms: BigInt(time) };
  const stamps = { advice: (BigInt(time) << 16n) | BigInt(partitionOf(id, 0x10000)) };
  return { table: edgeScaleTable.name, key: { region: data.region, origin: origin ?? '' }, set, stamps };
}

function project(event: DomainEvent): readonly RowChange[] {
  switch (event.type) {
    case edgeAdmitted.type:
    case edgeDrained.type:
    case edgeResumed.type:
    case edgeRemoved.type:
      return [decided(event)];
    case edgeScaleAdvised.type:
      return [advised(event)];
    default:
      return [];
  }
}

/** What operators decided about edges, by which key each was admitted, and how many there should be. */
export const fleetProjection: Projection<DomainEvent> = {
  name: 'fleet',
  version: 1,
  contexts: ['zone'],
  handles: [edgeAdmitted.type, edgeDrained.type, edgeResumed.type, edgeRemoved.type, edgeScaleAdvised.type],
  ignores: [zoneConfigured.type, zoneRemoved.type, zoneHostsClaimed.type, purgePolicySet.type, prefetchModelPublished.type],
  tables: [edgeStandingTable, edgeScaleTable],
  project,
};
