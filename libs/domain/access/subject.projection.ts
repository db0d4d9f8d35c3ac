import {
  catalogue,
  definitionOf,
  keyIdsIn,
  masterKeyGivenUp,
  masterKeyRotated,
  personalFields,
  subjectErased,
  subjectExported,
  type Context,
  type DomainEvent,
  type EventDefinition,
  type EventOf,
} from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';

/** One row per key of a subject and topic that holds values under it: between which times of record to look for them. */
export const personalPlaceTable: TableSpec = {
  name: 'personal_place',
  key: { key_id: 'text', topic: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    first_at_ms: { type: 'bigint', join: 'min' },
    last_at_ms: { type: 'bigint', join: 'max' },
  },
};

/** One row per erasure, export and change of the master key: what was done, by whom, and why. */
export const subjectActionTable: TableSpec = {
  name: 'subject_action',
  key: { event_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    action: { type: 'text', join: 'once' },
    /** A keyed hash; null for the master key. */
    subject: { type: 'text', join: 'once' },
    reason: { type: 'text', join: 'once' },
    actor: { type: 'text', join: 'once' },
    at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['at_ms']],
};

/** Topics that have events with personal fields, and the one of these actions. */
const contexts: readonly Context[] = ['stream', 'access', 'playback'];

function isRead(definition: EventDefinition): boolean {
  return personalFields(definition).length > 0 || definition.type in actions;
}

const actions: Readonly<Record<string, string>> = {
  [subjectErased.type]: 'erased',
  [subjectExported.type]: 'exported',
  [masterKeyRotated.type]: 'master-key-rotated',
  [masterKeyGivenUp.type]: 'master-key-given-up',
};

const definitions = (catalogue as readonly EventDefinition[]).filter(({ context }) => contexts.includes(context));

type Action = EventOf<typeof subjectErased | typeof subjectExported | typeof masterKeyRotated | typeof masterKeyGivenUp>;

function isAction(event: DomainEvent): event is Action {
  return event.type in actions;
}

function acted(event: Action): readonly RowChange[] {
  const subject = 'subject' in event.data ? event.data.subject : null;
  const set = { tenant: event.tenant, action: actions[event.type] ?? '', subject, reason: event.data.reason, actor: event.actor, at_ms: BigInt(event.time) };
  return [{ table: subjectActionTable.name, key: { event_id: event.id }, set }];
}

function project(event: DomainEvent, recordedAtMs: number = event.time): readonly RowChange[] {
  if (isAction(event)) return acted(event);
  const definition = definitionOf(event.type);
  if (definition === undefined) return [];
  const at = BigInt(recordedAtMs);
  return keyIdsIn(definition, event.data).map((key_id) => ({
    table: personalPlaceTable.name,
    key: { key_id, topic: definition.context },
    set: { tenant: event.tenant, first_at_ms: at, last_at_ms: at },
  }));
}

/** Where the personal data of each subject is, and what was done about it. */
export const subjectsProjection: Projection<DomainEvent> = {
  name: 'subjects',
  version: 1,
  contexts,
  handles: definitions.filter(isRead).map(({ type }) => type),
  ignores: definitions.filter((definition) => !isRead(definition)).map(({ type }) => type),
  tables: [personalPlaceTable, subjectActionTable],
  project,
};
