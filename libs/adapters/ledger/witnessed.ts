import { holdingOrigin, originKeys, parseCheckpoint, parseHolding, signedBy, type VerifierKey, type Witnessed } from '#core/ledger';
import { verifyEd25519 } from './ed25519.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import { seenName, type SeenCheckpoint, type TreeSource } from './tree-source.ts';

/** What of witnesses there is with a tree. */
export function witnessedOf({ checkpoints, seen }: Pick<TreeSource, 'checkpoints' | 'seen'>, witnesses: readonly VerifierKey[]): Witnessed {
  const cosignatures = checkpoints.reduce((sum, note) => sum + cosignaturesOf(note, witnesses), 0);
  return { keys: witnesses.length, cosignatures, seen: new Set(seen.map(({ by }: SeenCheckpoint) => seenName(by))).size };
}

function cosignaturesOf(note: string, witnesses: readonly VerifierKey[]): number {
  try {
    return signedBy(parseCheckpoint(note).note, witnesses, verifyEd25519).right.length;
  } catch {
    // A damaged checkpoint is a finding of its own.
    return 0;
  }
}

/**
 * What a bundle has lost of what its ledger has signed that it was made with; undefined when that is nothing, or nobody has
 * signed it: whether a statement is there and right is for others to find.
 */
export function witnessesLost(
  source: TreeSource,
  origin: string,
  trust: { readonly keys: readonly VerifierKey[]; readonly witnesses: readonly VerifierKey[] },
): string | undefined {
  const said = saidOf(source.copy?.holding ?? source.exportedAs, origin, trust.keys);
  if (said === undefined) return undefined;
  const there = witnessedOf(source, trust.witnesses);
  const lost = [
    [said.keys, there.keys, 'keys of witnesses ("witness-keys")'],
    [said.cosignatures, there.cosignatures, 'cosignatures of its checkpoints'],
    [said.seen, there.seen, 'checkpoints that witnesses kept ("seen")'],
  ] as const;
  const parts = lost.flatMap(([before, now, what]) => (now < before ? [`${now} of ${before} ${what}`] : []));
  return parts.length === 0 ? undefined : `the bundle was made with more of its witnesses than is here: ${parts.join(', ')}`;
}

function saidOf(holding: string | undefined, treeOrigin: string, keys: readonly VerifierKey[]): Witnessed | undefined {
  try {
    if (holding === undefined) return undefined;
    const { note, origin, witnessed } = parseHolding(holding);
    const { right, wrong } = signedBy(note, originKeys(keys, holdingOrigin(treeOrigin), nodeLedgerHash), verifyEd25519);
    return origin === treeOrigin && right.length > 0 && wrong.length === 0 ? witnessed : undefined;
  } catch {
    return undefined;
  }
}
