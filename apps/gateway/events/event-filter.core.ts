import { contexts, topicPartitions, type Context } from '#events';
import { partitionOf } from '#kernel';
import type { ShownEvent } from './cloud-event.codec.ts';

/** Which events somebody wants; what is left out does not matter. */
export interface EventFilter {
  readonly context?: Context | undefined;
  /** Any one of these. */
  readonly types?: readonly string[] | undefined;
  /** Exactly this subject, or everything under it (`st-1` also means `st-1/720p`). */
  readonly subject?: string | undefined;
  readonly key?: string | undefined;
}

/** A partition of a topic. */
export interface Lane {
  readonly topic: Context;
  readonly partition: number;
}

export const lanes: readonly Lane[] = contexts.flatMap((topic) => Array.from({ length: topicPartitions }, (_, partition) => ({ topic, partition })));

/** Index of a lane in `lanes`. */
export function laneIndex(topic: Context, partition: number): number {
  return contexts.indexOf(topic) * topicPartitions + partition;
}

/** Indexes of the lanes where a wanted event can stand: a key has one partition per topic. */
export function lanesOf(filter: EventFilter): readonly number[] {
  const partition = filter.key === undefined ? undefined : partitionOf(filter.key, topicPartitions);
  return lanes.flatMap((lane, at) =>
    (filter.context === undefined || lane.topic === filter.context) && (partition === undefined || lane.partition === partition) ? [at] : [],
  );
}

export function matches(filter: EventFilter, event: ShownEvent): boolean {
  if (filter.context !== undefined && event.topic !== filter.context) return false;
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  if (filter.key !== undefined && event.key !== filter.key) return false;
  return filter.subject === undefined || event.subject === filter.subject || event.subject.startsWith(`${filter.subject}/`);
}
