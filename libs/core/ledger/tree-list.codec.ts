import { fromBase64, toBase64 } from './base64.codec.ts';
import { ledgerInvalid } from './ledger.errors.ts';
import { hashBytes } from './ledger-hash.types.ts';
import { parseNote, type Note } from './note.codec.ts';
import type { TreeHead } from './proof.core.ts';

/** A tree of a ledger, as its list has it. */
export interface ListedTree extends TreeHead {
  /** `<topic>/<partition>`, or `<topic>/<partition>@<offset>`: its origin without the name of the ledger. */
  readonly tree: string;
}

/** The origin under which a ledger signs the list of its trees; no tree has it. */
export function treeListOrigin(name: string): string {
  return `${name}/trees`;
}

/**
 * The text of the list of all trees of a ledger that hold anything, as they stood at one signing. Without it nobody could
 * tell a ledger of which whole trees were taken away from one that never had them.
 *
 *     <name>/trees LF [ "export" SP export-id LF ] *( topic "/" partition [ "@" offset ] SP size SP root in base64 LF )
 *
 * Sorted by tree, so that there is one text for one state. In a bundle it names the export, as each `Holding` does: else one
 * of an older bundle, or of no bundle, would hide the trees that began since.
 */
export function treeListText(name: string, trees: readonly ListedTree[], exportId?: string): string {
  const lines = trees.map(({ tree, size, root }) => `${tree} ${size} ${toBase64(root)}\n`);
  const head = exportId === undefined ? '' : `export ${exportId}\n`;
  return `${treeListOrigin(name)}\n${head}${lines.sort().join('')}`;
}

const exportPattern = /^export ([0-9a-f]{32})$/;
const linePattern = /^([^\s/]+\/(?:0|[1-9]\d{0,5})(?:@[1-9]\d{0,18})?) ([1-9]\d{0,15}) (\S+)$/;

export interface ParsedTreeList {
  readonly origin: string;
  readonly trees: readonly ListedTree[];
  /** Of the bundle that it belongs to; undefined for one that belongs to none. */
  readonly exportId: string | undefined;
  readonly note: Note;
}

/** A list of trees; nobody has looked at its signatures yet. @throws OperatingError `LEDGER_INVALID` */
export function parseTreeList(text: string): ParsedTreeList {
  const note = parseNote(text);
  const [origin = '', ...rest] = note.text.slice(0, -1).split('\n');
  const exportId = exportPattern.exec(rest[0] ?? '')?.[1];
  const lines = exportId === undefined ? rest : rest.slice(1);
  const trees = lines.map(parseLine);
  const isSorted = lines.every((line, at) => at === 0 || (lines[at - 1] as string) < line);
  if (!isSorted || new Set(trees.map(({ tree }) => tree)).size !== trees.length) throw ledgerInvalid('The trees of a list are in order, each once.');
  return { origin, trees, exportId, note };
}

function parseLine(line: string): ListedTree {
  const [, tree = '', size = '', base64 = ''] = linePattern.exec(line) ?? [];
  const root = fromBase64(base64);
  if (root?.length !== hashBytes || !Number.isSafeInteger(Number(size))) throw ledgerInvalid('A line of the list of trees has a tree, its size and its root.');
  return { tree, size: Number(size), root };
}
