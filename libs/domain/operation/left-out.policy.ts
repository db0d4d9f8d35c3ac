import { parkedAggregate, projectionOf, type KnownParked } from './parked.decider.ts';

/** Finds the heads that `leftOutOf` judges: events that somebody asked to be discarded. */
export const discardHeads = [parkedAggregate.context, 'verb', 'discard'] as const;

/**
 * What a projection leaves out for good, whatever its version: a discard is about the event and the read model, not about the
 * code that failed at it. One that nobody could read is left out by all. Places are `topic/partition/offset`.
 */
export function leftOutOf(projection: string, discards: readonly KnownParked[]): ReadonlySet<string> {
  const mine = discards.filter((one) => isFor(projection, one) && (one.leftOut === true || one.status === 'discarded'));
  return new Set(mine.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`));
}

/** True while a discard was asked for that is neither done nor refused. */
export function isDiscarding(projection: string, discards: readonly KnownParked[]): boolean {
  return discards.some((one) => isFor(projection, one) && one.redrive === 'open');
}

function isFor(projection: string, { consumer }: KnownParked): boolean {
  return consumer === '*' || projectionOf(consumer)?.projection === projection;
}
