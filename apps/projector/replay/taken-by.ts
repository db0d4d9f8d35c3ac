import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionStore } from '#ports';

/** How far the reader of this version of a projection is, by `topic/partition`. */
export async function takenBy(store: Pick<ProjectionStore, 'checkpoints'>, { name, version }: Projection<DomainEvent>): Promise<ReadonlyMap<string, bigint>> {
  const mine = (await store.checkpoints(name)).filter((one) => one.version === version);
  return new Map(mine.map(({ topic, partition, position }) => [`${topic}/${partition}`, position]));
}
