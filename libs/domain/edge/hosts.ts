/** Whether one of the two answers for what the other names: hosts in lower case, or `*.` and a name for all below it. */
export function hostsOverlap(a: string, b: string): boolean {
  const covers = (wild: string, other: string): boolean => wild.startsWith('*.') && other.endsWith(wild.slice(1));
  return a === b || covers(a, b) || covers(b, a);
}
