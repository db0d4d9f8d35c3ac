import { decodeBundle, holdingOrigin, originKeys, parseHolding, signedBy, tilesOf, type BundledRecord, type HeldRecords, type VerifierKey } from '#core/ledger';
import { OperatingError } from '#kernel';
import { recordsPath } from './bundle-paths.ts';
import { verifyEd25519 } from './ed25519.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import type { RecordCopy, RecordSource } from './tree-source.ts';

export interface HeldInit {
  /** Of the tree, and what the newest checkpoint vouches for. */
  readonly origin: string;
  readonly size: number;
  readonly keys: readonly VerifierKey[];
}

export type HeldAnswer =
  | { readonly kind: 'held'; readonly records: RecordSource | undefined; readonly strangers: readonly string[] }
  /** Nobody can say which records should be there. */
  | { readonly kind: 'unsaid'; readonly why: string };

/** The records of a bundle, as the ledger has signed that it holds them: each file exactly what its name says. */
export function heldRecords(copy: RecordCopy, init: HeldInit): HeldAnswer {
  const unsaid = (why: string): HeldAnswer => ({ kind: 'unsaid', why });
  if (copy.holding === undefined) return unsaid('the signed statement of which records the bundle holds is missing ("holding"): export it anew');
  let held: HeldRecords | undefined;
  try {
    const { origin, size, note, ...said } = parseHolding(copy.holding);
    const { right, wrong } = signedBy(note, originKeys(init.keys, holdingOrigin(init.origin), nodeLedgerHash), verifyEd25519);
    if (right.length === 0 || wrong.length > 0) return unsaid('the statement of which records the bundle holds is not signed by a key of the ledger');
    if (origin !== init.origin || size !== init.size)
      return unsaid(`the statement of which records the bundle holds is of another tree or size: ${origin}, ${size} records instead of ${init.size}`);
    held = said.held;
  } catch (error) {
    return unsaid(`the statement of which records the bundle holds is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
  const files = filesOf(init.size, held);
  const wanted = new Set(files.map(({ path }) => path));
  const records = held === undefined ? undefined : { firstLeaf: held.firstLeaf, exact: held, read: () => readFiles(copy, files) };
  return { kind: 'held', records, strangers: copy.files.filter((path) => !wanted.has(path)) };
}

interface RecordFile {
  readonly path: string;
  /** Records that it holds. */
  readonly count: number;
}

function filesOf(size: number, held: HeldRecords | undefined): readonly RecordFile[] {
  const files: RecordFile[] = [];
  for (const tile of tilesOf(size)) {
    if (tile.level > 0 || held === undefined) break;
    const start = tile.index * 256;
    const count = start + tile.width - Math.max(start, held.firstLeaf);
    if (count > 0) files.push({ path: recordsPath(tile), count });
  }
  return files;
}

/** Ends where a file is missing: what it held is missing, too. @throws OperatingError `LEDGER_INVALID` after the records of a file of more or fewer */
async function* readFiles(copy: RecordCopy, files: readonly RecordFile[]): AsyncGenerator<BundledRecord, void> {
  for (const { path, count } of files) {
    const bytes = await copy.read(path);
    if (bytes === undefined) return;
    let there = 0;
    for (const record of decodeBundle(bytes)) {
      there++;
      yield record;
    }
    if (there !== count)
      throw new OperatingError(`${path} holds ${there} records instead of the ${count} that its name says`, { code: 'LEDGER_INVALID', retryable: false });
  }
}
