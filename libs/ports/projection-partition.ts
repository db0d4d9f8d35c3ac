/** What one consumer holds: a projection's partition of a topic, under a lease. */
export interface ProjectionPartition {
  readonly topic: string;
  readonly partition: number;
}
