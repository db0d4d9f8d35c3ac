import { contexts, definitionOf, maskedKey, maskedSubject, topicPartitions, type Context, type StoredRecord } from '#events';
import { partitionOf } from '#kernel';

/** Which events somebody wants; what is left out does not matter. */
export interface EventFilter {
  /** Any one of these. */
  readonly contexts?: readonly Context[] | undefined;
  /** Any one of these. */
  readonly types?: readonly string[] | undefined;
  /** Exactly this subject, or everything under it (`st-1` also means `st-1/720p`). */
  readonly subject?: string | undefined;
  /** Subjects that begin like this. */
  readonly subjectPrefix?: string | undefined;
  readonly key?: string | undefined;
  /** Only this tenant's; all of them when left out, which only those who administer the platform may ask for. */
  readonly tenant?: string | undefined;
  /** What the events are read for, when it is not the events themselves: its tokens fit nothing else. */
  readonly purpose?: string | undefined;
}

/** A partition of a topic. */
export interface Lane {
  readonly topic: Context;
  readonly partition: number;
}

export const lanes: readonly Lane[] = contexts.flatMap((topic) => Array.from({ length: topicPartitions }, (_, partition) => ({ topic, partition })));

/** One position per lane, in the order of `lanes`. */
export type Positions = readonly bigint[];

/** Index of a lane in `lanes`. */
export function laneIndex(topic: Context, partition: number): number {
  return contexts.indexOf(topic) * topicPartitions + partition;
}

/** Indexes of the lanes where a wanted event can stand: a key has one partition per topic, and a type one topic. */
export function lanesOf(filter: EventFilter): readonly number[] {
  const partition = filter.key === undefined ? undefined : partitionOf(filter.key, topicPartitions);
  const topics = topicsOf(filter);
  return lanes.flatMap((lane, at) => (topics.includes(lane.topic) && (partition === undefined || lane.partition === partition) ? [at] : []));
}

/** A type that nobody knows here may stand in any topic: a newer release has written it. */
function topicsOf({ contexts: wanted = contexts, types }: EventFilter): readonly Context[] {
  const homes = types?.map((type) => definitionOf(type)?.context);
  return homes === undefined || homes.includes(undefined) ? wanted : wanted.filter((topic) => homes.includes(topic));
}

/** A record of the log, and whether it is an event. */
export interface Candidate {
  readonly topic: Context;
  readonly record: StoredRecord;
  /** False for what projections park: it is nobody's event. */
  readonly isReadable: boolean;
}

/** The topic of the record is one that the filter reads: {@link lanesOf} sees to that, and this looks again. */
export function matches(filter: EventFilter, candidate: Candidate): boolean {
  const { topic } = candidate;
  const { key, headers } = candidate.record;
  if (filter.contexts !== undefined && !filter.contexts.includes(topic)) return false;
  const type = headers['ce_type'] ?? '';
  if (filter.types !== undefined && !filter.types.includes(type)) return false;
  // What is shown is what is asked about: nobody finds out by asking what is masked.
  if (filter.key !== undefined && maskedKey(type, key) !== filter.key) return false;
  if (filter.tenant !== undefined && headers['ce_tenant'] !== filter.tenant) return false;
  const subject = maskedSubject(type, headers['ce_subject'] ?? '');
  if (filter.subjectPrefix !== undefined && !subject.startsWith(filter.subjectPrefix)) return false;
  if (filter.subject !== undefined && subject !== filter.subject && !subject.startsWith(`${filter.subject}/`)) return false;
  return candidate.isReadable;
}

/** The filter as one text: the same for filters that mean the same. */
export function filterText(filter: EventFilter): string {
  const sorted = (names: readonly string[] | undefined): readonly string[] | null => (names === undefined ? null : [...new Set(names)].sort());
  const { subject = null, subjectPrefix = null, key = null, tenant = null, purpose = null } = filter;
  return JSON.stringify([sorted(filter.contexts), sorted(filter.types), subject, subjectPrefix, key, tenant, ...(purpose === null ? [] : [purpose])]);
}
