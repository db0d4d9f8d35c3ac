import { fromBase64, toBase64 } from './base64.codec.ts';
import { ledgerInvalid } from './ledger.errors.ts';
import { hashBytes } from './ledger-hash.types.ts';
import { parseNote, type Note } from './note.codec.ts';
import type { TreeHead } from './proof.core.ts';

/** C2SP tlog-checkpoint: which tree, how large, and its root. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
}

export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
}

/** The text that is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** @throws OperatingError `LEDGER_INVALID` */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  const bytes = fromBase64(root);
  // The last of them is what follows the last newline.
  const extended = extensions.slice(0, -1).some((line) => line === '') || extensions.at(-1) !== '';
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)) || bytes?.length !== hashBytes || extended)
    throw ledgerInvalid('This is no checkpoint: origin, size and root hash are expected, a line each.');
  return { origin, size: Number(size), root: bytes };
}

/** A signed note that is a checkpoint; nobody has looked at its signatures yet. @throws OperatingError `LEDGER_INVALID` */
export function parseCheckpoint(text: string): SignedCheckpoint {
  const note = parseNote(text);
  return { ...parseCheckpointText(note.text), note };
}
