/** A partition's watermarks as numbers: offsets stay below 2^37. */
export interface Head {
  /** First offset still held. */
  low: number;
  high: number;
  /** Of the last record, ms since the Unix epoch. */
  recordedAt: number;
}
