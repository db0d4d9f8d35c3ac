import type { LeaseView } from '#ports';

export interface ShareInput {
  /** Names of all leases there are to hold, in the order in which they are taken. */
  readonly all: readonly string[];
  /** This process. */
  readonly self: string;
  /** All live processes, this one or not. */
  readonly hosts: readonly string[];
  /** Names that this process holds. */
  readonly held: ReadonlySet<string>;
  /** What the lease store says. */
  readonly leases: readonly LeaseView[];
}

export interface Share {
  /** How many leases this process should hold. */
  readonly count: number;
  readonly take: readonly string[];
  readonly give: readonly string[];
}

/**
 * What this process should take, and give back, so that every host holds as many leases as the others, give or take one.
 * Hosts in order of name get the leases that do not divide evenly; so everybody comes to the same counts without talking.
 */
export function fairShare({ all, self, hosts, held, leases }: ShareInput): Share {
  const names = [...new Set([...hosts, self])].sort();
  const rank = names.indexOf(self);
  const count = Math.floor(all.length / names.length) + (rank < all.length % names.length ? 1 : 0);
  const mine = all.filter((name) => held.has(name));
  if (mine.length > count) return { count, take: [], give: mine.slice(count) };
  const taken = new Set(leases.filter((lease) => !lease.expired && lease.owner !== self).map((lease) => lease.name));
  const free = all.filter((name) => !held.has(name) && !taken.has(name));
  return { count, take: free.slice(0, count - mine.length), give: [] };
}
