import type { ProjectionPartition, ReactorPartition } from '#ports';

export interface BehindLog extends ProjectionPartition {
  readonly projection: string;
  readonly position: bigint;
  /** Where the log begins. */
  readonly low: bigint;
}

/** What a read model says that stands at events which were removed from the log before it took them, as after a restore of too old a database. */
export function behindLogNote({ projection, topic, partition, position, low }: BehindLog): string {
  return `${projection} stands at ${topic}/${partition}/${position}, but the log begins at ${low} there: what lies between was removed (LOG_SEALED_DAYS) before this read model took it. It does not move. Restore a younger database, or build it anew from what is left, which loses rows that only removed events told of: streams replay run ${projection} --promote --accept-loss.`;
}

export interface ReactorBehindLog extends ReactorPartition {
  readonly reactor: string;
  readonly position: bigint;
  /** Where the log begins. */
  readonly low: bigint;
}

/** The same of a reactor: what followed from removed events is not done any more, whatever somebody does. */
export function reactorBehindNote({ reactor, topic, partition, position, low }: ReactorBehindLog): string {
  return `${reactor} stands at ${topic}/${partition}/${position}, but the log begins at ${low} there: what lies between was removed (LOG_SEALED_DAYS) before this reactor read it. It does not move, and nothing follows from what happens. Restore a younger database, or let it go on with what is left since the time of the backup: streams reactor reset ${reactor} --from TIME --reason WHY.`;
}
