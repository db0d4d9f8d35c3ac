import { personalDataViewed, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

/** One row per time that personal data was shown. */
export const personalViewTable: TableSpec = {
  name: 'personal_view',
  key: { view_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    actor: { type: 'text', join: 'once' },
    operation: { type: 'text', join: 'once' },
    query: { type: 'text', join: 'once' },
    events: { type: 'integer', join: 'once' },
    reason: { type: 'text', join: 'once' },
    viewed_at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['viewed_at_ms']],
};

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type !== personalDataViewed.type) return [];
  const { operation, query, count, reason } = event.data;
  const set = { tenant: event.tenant, actor: event.actor, operation, query, events: count, reason, viewed_at_ms: BigInt(event.time) };
  return [{ table: personalViewTable.name, key: { view_id: event.id }, set }];
}

/** Who had personal data shown, when and why. */
export const personalViewsProjection: Projection<DomainEvent> = {
  name: 'personal_views',
  version: 2,
  contexts: ['operation'],
  handles: [personalDataViewed.type],
  ignores: ignoredBut([personalDataViewed.type]),
  tables: [personalViewTable],
  project,
};
