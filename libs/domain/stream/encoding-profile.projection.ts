import { catalogue, encodingProfileConfigured, encodingProfileRemoved, type DomainEvent } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

const newest = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'version' });

/** One row per encoding profile that there ever was. */
export const encodingProfileTable: TableSpec = {
  name: 'encoding_profile',
  key: { profile_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    name: { type: 'text', join: 'once' },
    status: newest('text'),
    description: newest('text'),
    ladder: newest('json'),
    audio_bitrate: newest('integer'),
    segment_duration_ms: newest('integer'),
    reason: newest('text'),
    at_ms: newest('bigint'),
    actor: newest('text'),
  },
  indexes: [['tenant', 'name']],
};

function project(event: DomainEvent): readonly RowChange[] {
  const change = (set: RowChange['set']): readonly RowChange[] => [
    {
      table: encodingProfileTable.name,
      key: { profile_id: event.subject },
      set: { ...set, at_ms: BigInt(event.time), actor: event.actor },
      stamps: { version: event.streamVersion },
    },
  ];
  switch (event.type) {
    case encodingProfileConfigured.type: {
      const { name, description, ladder, audioBitrate, segmentDurationMs } = event.data;
      const settings = { description, ladder, audio_bitrate: audioBitrate, segment_duration_ms: segmentDurationMs };
      return change({ tenant: event.tenant, name, status: 'configured', ...settings, reason: null });
    }
    case encodingProfileRemoved.type: {
      const nothing = { description: null, ladder: null, audio_bitrate: null, segment_duration_ms: null };
      return change({ status: 'removed', ...nothing, reason: event.data.reason });
    }
    default:
      return [];
  }
}

/** All of this family. */
export const encodingProfileTypes: readonly string[] = [encodingProfileConfigured.type, encodingProfileRemoved.type];

/** How the streams of each tenant are encoded that are made with a profile. */
export const encodingProfilesProjection: Projection<DomainEvent> = {
  name: 'encoding_profiles',
  version: 1,
  contexts: ['stream'],
  handles: encodingProfileTypes,
  ignores: catalogue.filter(({ context, type }) => context === 'stream' && !encodingProfileTypes.includes(type)).map(({ type }) => type),
  tables: [encodingProfileTable],
  project,
};
