import { parseVerifierKey, readKeyList, type VerifierKey } from '#core/ledger';
import type { Bundle } from './bundle-folder.ts';
import { verifyEd25519 } from './ed25519.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import { missingTrees, readTreeList } from './listed-trees.ts';
import { treeName } from './tree-name.ts';
import { foreignParts } from './one-export.ts';
import { verifyTree, type Finding, type TreeReport } from './verify-tree.ts';

/** What an auditor brings along. */
export interface AuditInit {
  /** Verifier keys of the ledger that the auditor knows; none: those that the bundle names are believed. */
  readonly keys: readonly string[];
  /** Verifier keys of witnesses, besides those of the bundle. */
  readonly witnessKeys: readonly string[];
  readonly cosignersMin: number;
}

export interface AuditReport {
  readonly name: string;
  /** Whether the keys were the auditor's own. */
  readonly keysKnown: boolean;
  readonly ok: boolean;
  readonly records: number;
  readonly compared: number;
  readonly trees: readonly TreeReport[];
  /** What is wrong with the ledger as a whole: trees that are missing. */
  readonly findings: readonly Finding[];
}

const unsaid: Finding = {
  kind: 'holding-missing',
  message: 'nothing signed says which records this bundle holds: it was exported by an older version, or what says so was taken away; export it anew',
};

/**
 * Verifies everything of a ledger.
 * @throws OperatingError `LEDGER_INVALID` when its list of keys is none, or not one of the auditor's.
 */
export async function audit(bundle: Bundle, init: AuditInit, onTree: (report: TreeReport) => void = () => undefined): Promise<AuditReport> {
  const parse = (text: string): VerifierKey => parseVerifierKey(text, nodeLedgerHash);
  const keys = readKeyList(bundle.keyList, init.keys.map(parse), nodeLedgerHash, verifyEd25519);
  const name = keys[0]?.name ?? '';
  const witnesses = [...new Set([...init.witnessKeys, ...bundle.witnessKeys])].map(parse);
  const listed = readTreeList(bundle.treeList, name, keys);
  // One finding says it of all trees.
  const isOld = bundle.trees.length > 0 && bundle.trees.every(({ copy }) => copy !== undefined && copy.holding === undefined);
  const trees: TreeReport[] = [];
  for (const tree of bundle.trees) {
    const report = await verifyTree(tree, { name, keys, witnesses, cosignersMin: init.cosignersMin, listed: listed.trees.get(treeName(tree)), isOld });
    trees.push(report);
    onTree(report);
  }
  const findings = [
    ...(isOld ? [unsaid] : []),
    ...listed.findings,
    ...(isOld ? [] : foreignParts(bundle, { name, keys, listed })),
    ...missingTrees(
      listed,
      bundle.trees.filter(({ checkpoints }) => checkpoints.length > 0),
    ),
  ];
  const sum = (of: (report: TreeReport) => number): number => trees.reduce((all, report) => all + of(report), 0);
  return {
    name,
    keysKnown: init.keys.length > 0,
    ok: findings.length === 0 && trees.every((tree) => tree.findings.length === 0),
    records: sum(({ size }) => size),
    compared: sum(({ compared }) => compared),
    trees,
    findings,
  };
}

/** The report for people. */
export function auditLines({ name, keysKnown, ok, records, compared, trees, findings: whole }: AuditReport): readonly string[] {
  const all = [...whole, ...trees.flatMap((tree) => tree.findings)];
  const findings = all.map(({ kind, message }) => `✗ ${kind.padEnd(20)} ${message}`);
  const cosigned = trees.filter(({ cosigners }) => cosigners.length > 0).length;
  return [
    ...findings,
    `${ok ? '✓' : '✗'} ${name}: ${counted(trees.length, 'tree')} with ${counted(records, 'record')}, ${counted(checkpointsOf(trees), 'checkpoint')}; ${counted(compared, 'record')} compared, ${counted(cosigned, 'tree')} cosigned by witnesses.`,
    ok ? 'Everything is as it was signed.' : `${counted(findings.length, 'finding')}: this is not what was signed.`,
    ...(ok && compared < records ? [notHere(records - compared)] : []),
    ...begunAnew(trees),
    ...(keysKnown
      ? []
      : [
          'The keys are those that the bundle names itself: compare them with what you were told, or name them, here with --trust, to the auditor’s program with --key.',
        ]),
  ];
}

/** What was given up is told each time, for whoever did not know. */
function begunAnew(trees: AuditReport['trees']): readonly string[] {
  const anew = trees.filter(({ beginsAt, size }) => beginsAt !== '0' && size > 0);
  if (anew.length === 0) return [];
  const places = anew.map(({ topic, partition, beginsAt }) => `${topic}/${partition} at offset ${beginsAt}`);
  return [
    `Begun anew: ${places.join(', ')}. What was recorded before is in none of these trees, and proofs of before are lost to this ledger; bundles that were exported before are what counts.`,
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function checkpointsOf(trees: AuditReport['trees']): number {
  return trees.reduce((sum, { checkpoints }) => sum + checkpoints, 0);
}

function notHere(records: number): string {
  return `${counted(records, 'record')} ${records === 1 ? 'is' : 'are'} not here, and the ledger has said so: retention has removed what is missing, or only hashes were asked for. Of it the hashes alone were verified.`;
}
