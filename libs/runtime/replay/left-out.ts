/** Records that a projection leaves out for good, as `topic/partition/offset`. */
export type LeftOut = ReadonlySet<string>;

export const nothingLeftOut: LeftOut = new Set();

export function isLeftOut(leftOut: LeftOut, topic: string, partition: number, offset: bigint): boolean {
  return leftOut.size > 0 && leftOut.has(`${topic}/${partition}/${offset}`);
}
