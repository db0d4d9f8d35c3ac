/** How records differ from what was signed, as far as the neighbourhood of the first difference tells. */
export type Difference = 'altered' | 'dropped' | 'inserted' | 'duplicated' | 'reordered' | 'truncated';

export interface Neighbourhood {
  /** Leaf hashes that were signed, from the first difference on. */
  readonly signed: readonly string[];
  /** Leaf hashes of the records that are there, from the first difference on. */
  readonly there: readonly string[];
  /** Leaf hashes before the difference. */
  readonly before: readonly string[];
}

/** Names the first difference. `signed` is not empty: records behind the signed ones are no difference. */
export function nameDifference({ signed, there, before }: Neighbourhood): Difference {
  const [record] = there;
  if (record === undefined) return 'truncated';
  const wanted = signed[0] as string;
  const isSigned = signed.indexOf(record);
  const comesLater = there.indexOf(wanted);
  // Both are there, each elsewhere.
  if (isSigned > 0 && comesLater > 0) return before.includes(record) ? 'duplicated' : 'reordered';
  if (isSigned > 0) return 'dropped';
  if (comesLater > 0) return before.includes(record) ? 'duplicated' : 'inserted';
  return 'altered';
}
