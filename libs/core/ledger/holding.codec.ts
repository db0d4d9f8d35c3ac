import { ledgerInvalid } from './ledger.errors.ts';
import { parseNote, type Note } from './note.codec.ts';

/** The records of a bundle: those of the leaves from `firstLeaf` on, up to the size. Earlier ones are held no more. */
export interface HeldRecords {
  readonly firstLeaf: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** What of witnesses a bundle was made with. */
export interface Witnessed {
  /** Keys of witnesses, in the whole bundle. */
  readonly keys: number;
  /** Theirs that are right, on all checkpoints of the tree. */
  readonly cosignatures: number;
  /** Checkpoints of the tree that witnesses gave themselves. */
  readonly seen: number;
}

/** What a bundle holds of a tree of that size. */
export interface Holding {
  /** Of the tree. */
  readonly origin: string;
  readonly size: number;
  /** Undefined when only hashes are held. */
  readonly held: HeldRecords | undefined;
  /** The same of all trees of one export, and of no other: 32 hexadecimal digits. */
  readonly exportId: string;
  /** Undefined in bundles of older versions. */
  readonly witnessed?: Witnessed | undefined;
}

/** The origin under which a ledger signs what a bundle holds of a tree; no tree has it. */
export function holdingOrigin(origin: string): string {
  return `${origin}/records`;
}

/**
 * What a bundle holds of the records of a tree. Without it nobody could tell a bundle whose records were taken away from one
 * that never had them. Leaves do not cover offsets: the first and the last one are here, and those between them increase.
 *
 * The export ties trees together: one of an older bundle would be right by itself.
 *
 *     <origin>/records LF size LF ( "none" / first-leaf SP first-offset SP last-offset ) LF export-id LF
 *     [ "witnessed" SP keys SP cosignatures SP seen LF ]
 *
 * Nor could anybody tell one whose witnesses were taken away from one that never had any.
 */
export function holdingText({ origin, size, held, exportId, witnessed }: Holding): string {
  const records = held === undefined ? 'none' : `${held.firstLeaf} ${held.firstOffset} ${held.lastOffset}`;
  const witnesses = witnessed === undefined ? '' : `witnessed ${witnessed.keys} ${witnessed.cosignatures} ${witnessed.seen}\n`;
  return `${holdingOrigin(origin)}\n${size}\n${records}\n${exportId}\n${witnesses}`;
}

const number = '(0|[1-9]\\d{0,15})';
const pattern = new RegExp(
  `^(\\S+)/records\\n${number}\\n(?:none|${number} ${number} ${number})\\n([0-9a-f]{32})\\n(?:witnessed ${number} ${number} ${number}\\n)?$`,
);

/** Nobody has looked at its signatures yet. @throws OperatingError `LEDGER_INVALID` */
export function parseHolding(text: string): Holding & { readonly note: Note } {
  const note = parseNote(text);
  const match = pattern.exec(note.text);
  const [, origin = '', size = '', firstLeaf, firstOffset = '0', lastOffset = '0', exportId = '', keys, cosignatures, seen] = match ?? [];
  const held = firstLeaf === undefined ? undefined : { firstLeaf: Number(firstLeaf), firstOffset: BigInt(firstOffset), lastOffset: BigInt(lastOffset) };
  if (match === null || (held !== undefined && (held.firstLeaf >= Number(size) || held.firstOffset > held.lastOffset)))
    throw ledgerInvalid('What a bundle holds is said by an origin, a size, a range of records, an export, and what of witnesses there is.');
  const witnessed = keys === undefined ? undefined : { keys: Number(keys), cosignatures: Number(cosignatures), seen: Number(seen) };
  return { origin, size: Number(size), held, exportId, witnessed, note };
}
