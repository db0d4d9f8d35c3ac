import type { Search } from './review.ts';

/** A table of a read model, as the API lists it. */
export interface ReadTable {
  readonly table: string;
  readonly projection: string;
  readonly version: number;
  readonly key: readonly string[];
  readonly columns: readonly string[];
}

export type Row = Readonly<Record<string, unknown>>;

export interface RowPage {
  readonly rows: readonly Row[];
  readonly nextCursor: string | null;
}

/** The events that made a row: a search, or one event by its id. */
export interface RowOrigin {
  readonly search: Search;
  readonly event?: string;
}

const quoted = (value: unknown): string => JSON.stringify(String(value));
/** Events of the subject without the field are not those. */
const equal = (field: string, value: string): string => `has(data.${field}) && data.${field} == ${value}`;
/** Edges of two regions may have one name: in which region an event was written tells them apart; this one is called nothing. */
const written = (row: Row): string => `event.origin == ${quoted(row['origin'] ?? '')}`;
const both = (one: string, other: string): string => `${one} && ${other}`;
const isoOf = (ms: unknown): string => new Date(Number(ms)).toISOString();

/** How each table's rows are called on the log. */
const origins: Readonly<Record<string, (row: Row) => RowOrigin>> = {
  stream: (row) => about(row['stream_id']),
  session: (row) => about(row['stream_id'], equal('sessionId', quoted(row['session_id']))),
  rendition: (row) => about(`${row['stream_id']}/encoding`),
  segment: (row) => about(`${row['stream_id']}/${row['rendition']}`, equal('mediaSequence', String(row['media_sequence']))),
  recording: (row) => about(`${row['stream_id']}/recording`),
  thumbnail: (row) => about(`${row['stream_id']}/thumbnails`, equal('mediaSequence', String(row['media_sequence']))),
  stream_sample: (row) => about(`${row['stream_id']}/measured`),
  stream_alert: (row) => about(`${row['stream_id']}/alert/${row['alert']}`),
  stream_marker: (row) => about(`${row['stream_id']}/marker/${row['marker_id']}`),
  clip: (row) => about(`${row['stream_id']}/clip/${row['clip_id']}`),
  // Each edge tells of all streams at once.
  audience: (row) => ({
    search: { type: 'edge.audience-reported', where: both(written(row), `data.streams.exists(one, one.streamId == ${quoted(row['stream_id'])})`) },
  }),
  purge: (row) => about(row['purge_id']),
  purge_application: (row) => about(`${row['purge_id']}/${row['edge_id']}`, written(row)),
  edge: (row) => about(row['edge_id'], written(row)),
  edge_standing: (row) => about(`edge:${row['edge_id']}`, written(row)),
  edge_scale: (row) => about(`edges-of:${row['region']}`, written(row)),
  edge_counters: (row) => about(`${row['edge_id']}/${row['incarnation']}`, written(row)),
  warm: (row) => about(row['warm_id']),
  warm_result: (row) => about(`${row['warm_id']}/${row['edge_id']}`, written(row)),
  api_key: (row) => about(row['key_id']),
  tenant: (row) => about(`tenant:${row['tenant_id']}`),
  // Its subject is made of the address, which the log has encrypted.
  refusal: (row) => ({
    search: { context: 'access', where: ['operation', 'reason', 'who'].map((field) => equal(field, quoted(row[field]))).join(' && ') },
  }),
  personal_place: (row) => ({ search: { context: String(row['topic']), since: isoOf(row['first_at_ms']), until: isoOf(Number(row['last_at_ms']) + 1) } }),
  subject_action: (row) => ({ search: {}, event: String(row['event_id']) }),
  content: (row) => ({ search: { subject: String(row['content_id']), tenant: String(row['tenant']) } }),
  playback_session: (row) => ({ search: { subject: String(row['session_id']), tenant: String(row['tenant']) } }),
  parked_event: (row) => about(`${row['topic']}/${row['partition']}/${row['record_offset']}`),
  replay: (row) => about(row['replay_id']),
  ledger_key: (row) => about('ledger', equal('number', String(row['number']))),
  sealed_segment: (row) => about(`${row['topic']}/${row['partition']}/sealed/${row['number']}`),
  retained_partition: (row) => about(`${row['topic']}/${row['partition']}`),
  sealing: (row) => about(row['sealing_id']),
  personal_view: (row) => ({ search: {}, event: String(row['view_id']) }),
  sandbox: (row) => about(`sandbox:${row['name']}`, equal('sandboxId', quoted(row['sandbox_id']))),
  effect: (row) => about(row['effect_key']),
  reactor_reset: (row) => about(row['reactor'], equal('number', String(row['number']))),
  webhook: (row) => about(row['webhook_id']),
  encoding_profile: (row) => about(row['profile_id']),
  zone: (row) => about(row['zone_id']),
  purge_policy: (row) => about(`purge-policy:${row['tenant']}`),
  zone_claim: (row) => about(`hosts:${row['domain']}`, equal('zoneId', quoted(row['zone_id']))),
  traffic_minute: (row) => ofProcess(row, 'traffic', `data.startMs == ${row['start_ms']} && data.period == "minute"`),
  traffic_hour: (row) => ofProcess(row, 'traffic', `data.startMs == ${row['start_ms']} && data.period == "hour"`),
  popular_object: (row) => ofProcess(row, 'popularity', `data.hourMs == ${row['hour_ms']}`),
  access_log: (row) => ({ search: { subject: `${row['edge_id']}/${row['incarnation']}/requests`, tenant: String(row['tenant']) } }),
  browse_batch: (row) => ({ search: {}, event: String(row['event_id']) }),
  prefetch_model: (row) => about(`prefetch:${row['zone_id'] === '' ? 'platform' : row['zone_id']}`, written(row)),
  zone_version: (row) => about(row['zone_id'], equal('zoneVersion', String(row['zone_version']))),
};

/** What a process of an edge told of one kind. */
function ofProcess(row: Row, kind: string, where: string): RowOrigin {
  return about(`${row['edge_id']}/${row['incarnation']}/${kind}`, where);
}

function about(subject: unknown, where?: string): RowOrigin {
  return { search: { subject: String(subject), ...(where === undefined ? {} : { where }) } };
}

/** Where the events of a row are found; undefined for a table that this console does not know. */
export function originOf(table: string, row: Row): RowOrigin | undefined {
  return origins[table]?.(row);
}

/** How what is personal stands in rows and events for those who may not see it. */
const mask = '***';
/** As rows keep it, encrypted: `sealed:v1:<key id>:<place>:<body>`. */
const sealed = /sealed:v1:[\w-]{22}:(?:\*|[\w-]{11}):[\w-]{38,}/g;

/** A value in a cell: times of `…_ms` columns as times, what has parts as JSON, what is sealed masked. */
export function cellOf(column: string, value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (/(^|_)ms$/.test(column) && Number(value) > 1e11) return isoOf(value).replace('T', ' ').replace('.000Z', 'Z');
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).replace(sealed, mask);
}

/** What names a row among those of its table. */
export function nameOf(key: readonly string[], row: Row): string {
  return key.map((column) => String(row[column])).join(' / ');
}
