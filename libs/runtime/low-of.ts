import type { EventLog, ProjectionPartition } from '#ports';

/** Where the log of a partition begins by now; 0 where it has all, or is not known. */
export async function lowOf(log: Pick<EventLog, 'heads'>, { topic, partition }: ProjectionPartition): Promise<bigint> {
  return (await log.heads(topic)).find((head) => head.partition === partition)?.low ?? 0n;
}
