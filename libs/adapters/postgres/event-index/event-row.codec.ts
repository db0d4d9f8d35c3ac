import { createHash } from 'node:crypto';
import { contexts, type Context } from '#events';
import type { IndexedEvent } from '#ports';
import type { TextRow } from '../database.ts';

/** Partitions of a topic get so many numbers: room for more than any topic has. */
const lanesPerTopic = 256;

/** Topic and partition as one small number; topics keep their places, because new contexts come last. */
export function laneOf(topic: Context, partition: number): number {
  return contexts.indexOf(topic) * lanesPerTopic + partition;
}

const uuidShape = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

function isUuid(id: string): boolean {
  return id.length === 36 && uuidShape.test(id);
}

/** The id itself where it is a UUID, else a hash of it: ids of outsiders may be any text. */
export function uuidOf(id: string): string {
  if (isUuid(id)) return id;
  const hex = createHash('md5').update(id).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A hash of the subject's first part, under which all of it is found: 53 bits, FNV-1a twice. A collision costs a comparison of subjects. */
export function rootOf(subject: string): number {
  const slash = subject.indexOf('/');
  const end = slash < 0 ? subject.length : slash;
  let [high, low] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < end; at++) {
    const code = subject.charCodeAt(at);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code ^ (high >>> 13), 0x85ebca6b);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

/** An event and the numbers of its terms. */
export interface EventRow {
  readonly event: IndexedEvent;
  readonly type: number;
  readonly tenant: number;
  readonly actor: number;
}

/** PostgreSQL has no NUL in text; whoever wrote one straight to a broker does not stop the index. */
export function storable(text: string): string {
  return text.includes('\u0000') ? text.replaceAll('\u0000', '\uFFFD') : text;
}

// oxlint-disable-next-line no-control-regex -- PostgreSQL's text has no NUL
const special = /[\\\n\r\t\u0000]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u0000': '\uFFFD' };

/** As a field of COPY's text format. */
function field(text: string): string {
  return special.test(text) ? Array.from(text, (character) => escapes[character] ?? character).join('') : text;
}

type Ids = Pick<IndexedEvent, 'id' | 'correlationId' | 'causationId'>;

/** Ids that are no UUIDs, as they were; null when all are. */
function oddIds({ id, correlationId, causationId }: IndexedEvent): string {
  const odd: { -readonly [Name in keyof Ids]?: string } = {};
  if (!isUuid(id)) odd.id = storable(id);
  if (!isUuid(correlationId)) odd.correlationId = storable(correlationId);
  if (!isUuid(causationId)) odd.causationId = storable(causationId);
  for (const _ in odd) return field(JSON.stringify(odd));
  return '\\N';
}

export const copyEventsSql = `
  COPY streams.event_index (recorded_at, id, correlation, causation, happened_at, record_offset, root, type, tenant, actor, lane, subject, odd) FROM STDIN`;

/** Rows in the text format of COPY, written by hand: the index takes in every event there is. */
export function copyOfEvents(rows: readonly EventRow[]): Buffer {
  let text = '';
  for (const { event, type, tenant, actor } of rows) {
    const { recordedAt, id, correlationId, causationId, time, offset, subject, topic, partition } = event;
    text += `${recordedAt}\t${uuidOf(id)}\t${uuidOf(correlationId)}\t${uuidOf(causationId)}\t${Math.trunc(time)}\t${offset}\t${rootOf(subject)}\t${type}\t${tenant}\t${actor}\t`;
    text += `${laneOf(topic, partition)}\t${field(subject)}\t${oddIds(event)}\n`;
  }
  return Buffer.from(text);
}

/** What {@link eventOf} reads, of `event_index AS event`. */
export const eventColumns = `event.recorded_at, event.lane, event.record_offset, event.id, event.correlation, event.causation, event.happened_at,
  event.subject, event.type, event.tenant, event.actor, event.odd`;

/** @param terms texts by their numbers */
export function eventOf(row: TextRow, terms: ReadonlyMap<number, string>): IndexedEvent {
  const [recordedAt, laneText, offset, id, correlation, causation, time, subject, type, tenant, actor, odd] = row;
  const lane = Number(laneText);
  const typeTerm = terms.get(Number(type)) ?? '';
  const known: Partial<Ids> | undefined = odd === null || odd === undefined ? undefined : (JSON.parse(odd) as Partial<Ids>);
  return {
    recordedAt: Number(recordedAt),
    topic: contexts[Math.floor(lane / lanesPerTopic)] as Context,
    partition: lane % lanesPerTopic,
    offset: BigInt(offset ?? 0),
    id: known?.id ?? id ?? '',
    correlationId: known?.correlationId ?? correlation ?? '',
    causationId: known?.causationId ?? causation ?? '',
    time: Number(time),
    subject: subject ?? '',
    type: typeTerm.slice(typeTerm.indexOf('/') + 1),
    tenant: terms.get(Number(tenant)) ?? '',
    actor: terms.get(Number(actor)) ?? '',
  };
}
