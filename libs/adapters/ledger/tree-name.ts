import type { LedgerTreeAt } from '#ports';

/** Of a tree within its ledger: its origin without the ledger's name. */
export function treeName({ topic, partition, beginsAt = 0n }: LedgerTreeAt): string {
  return beginsAt === 0n ? `${topic}/${partition}` : `${topic}/${partition}@${beginsAt}`;
}

/** At which offset a tree begins, by its name or origin. */
export function beginsAtOf(name: string): bigint {
  return BigInt(/@([1-9]\d{0,18})$/.exec(name)?.[1] ?? 0);
}
