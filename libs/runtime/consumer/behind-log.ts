import type { ProjectionPartition } from '#ports';

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
