import type { ProjectionPartition } from '#ports';

/** Records that a projection leaves out for good, as `topic/partition/offset`. */
export type LeftOut = ReadonlySet<string>;

export const nothingLeftOut: LeftOut = new Set();

/** The offsets among them of one partition. */
export function leftOutAt(leftOut: LeftOut, { topic, partition }: ProjectionPartition): ReadonlySet<bigint> {
  const here = `${topic}/${partition}/`;
  return new Set([...leftOut].filter((place) => place.startsWith(here)).map((place) => BigInt(place.slice(here.length))));
}

export function isLeftOut(leftOut: LeftOut, topic: string, partition: number, offset: bigint): boolean {
  return leftOut.size > 0 && leftOut.has(`${topic}/${partition}/${offset}`);
}
