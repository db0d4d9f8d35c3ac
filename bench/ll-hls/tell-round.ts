import { quantile } from '../harness/index.ts';

/** One round of waiting as a line: the first, the middle and the last answer, ms. */
export function tellRound(who: string, times: readonly number[]): void {
  const told = [0.001, 0.5, 0.99, 1].map((q) => quantile(times, q).toFixed(1));
  process.stderr.write(`${who}: first ${told[0]}, median ${told[1]}, p99 ${told[2]}, last ${told[3]} ms\n`);
}
