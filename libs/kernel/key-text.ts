import type { RowChange, TableSpec } from './projection.ts';

/** Half of the range of a bigint: numbers are moved up by it, so that none is negative. */
const half = 1n << 63n;
const digits = 20;

/** Stands between the parts of a key; smaller than what ids are made of. */
const separator = '\u0001';
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const special = /[\u0001\u0002]/g;

/** Greater than the text of every key. */
export const lastKeyText = '\u{10ffff}';

/**
 * A key as one text, which sorts by code point as the keys do, column by column: numbers at one length, a separator
 * behind every part. The text of the first parts of a key is the beginning of the text of the whole.
 */
export function keyText(parts: ReadonlyArray<string | number | bigint>): string {
  let text = '';
  for (const part of parts) text += partText(part) + separator;
  return text;
}

function partText(part: string | number | bigint): string {
  if (typeof part !== 'string') return (BigInt(part) + half).toString().padStart(digits, '0');
  return part.replace(special, (found) => (found === separator ? '\u0002\u0003' : '\u0002\u0004'));
}

export function keyTextOf(table: TableSpec, key: RowChange['key']): string {
  return keyText(Object.keys(table.key).map((name) => key[name] as string | number | bigint));
}
