import { discardHeads, leftOutOf, type KnownParked } from '#domain/operation';
import { projections } from './projections.ts';

/** From where on a projection's past is another since an event was discarded. */
export interface DiscardedPlace {
  readonly projection: string;
  readonly topic: string;
  readonly partition: number;
  readonly before: bigint;
}

function placesOf(discards: readonly KnownParked[]): readonly DiscardedPlace[] {
  return projections.flatMap(({ name }) =>
    [...leftOutOf(name, discards)].map((place) => {
      const [topic, partition, offset] = place.split('/') as [string, string, string];
      return { projection: name, topic, partition: Number(partition), before: BigInt(offset) };
    }),
  );
}

/** Where to find what was discarded, and what places that is of which projections. */
export const discarded = {
  heads: discardHeads,
  placesOf: (states: readonly unknown[]): readonly DiscardedPlace[] => placesOf(states as readonly KnownParked[]),
};
