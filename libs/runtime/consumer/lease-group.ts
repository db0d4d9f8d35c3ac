import { topicPartitions, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionPartition } from '#ports';

/**
 * Partitions under one lease. Fewer leases mean fewer renewals (4 topics of 12 partitions: 16 instead of 48 every few
 * seconds), and 4 groups per topic still share out well. Never change it for a released version: the epochs of
 * checkpoints come from the leases, and a lease of another name starts again at 1.
 */
const partitionsPerLease = 3;

/** What one lease of the consumer host covers. */
export interface LeaseGroup {
  readonly name: string;
  readonly projection: Projection<DomainEvent>;
  readonly partitions: readonly ProjectionPartition[];
}

export const groupLeasePrefix = 'consumer/';

/** All groups of some projections; the first groups of all come first, so that a host that takes the first half takes some of each. */
export function leaseGroups(projections: readonly Projection<DomainEvent>[]): readonly LeaseGroup[] {
  const groups: LeaseGroup[] = [];
  for (let first = 0; first < topicPartitions; first += partitionsPerLease) {
    for (const projection of projections) {
      for (const topic of projection.contexts) groups.push(leaseGroup(projection, topic, first));
    }
  }
  return groups;
}

function leaseGroup(projection: Projection<DomainEvent>, topic: string, first: number): LeaseGroup {
  const last = Math.min(first + partitionsPerLease, topicPartitions) - 1;
  const partitions = Array.from({ length: last - first + 1 }, (_, at) => ({ topic, partition: first + at }));
  return { name: `${groupLeasePrefix}${projection.name}@${projection.version}/${topic}/${first}-${last}`, projection, partitions };
}
