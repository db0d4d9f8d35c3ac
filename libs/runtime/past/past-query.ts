import { compareText, keyText, keyTextOf, lastKeyText, type RowChange, type TableSpec } from '#kernel';
import type { PastRange, ReadCondition, ReadQuery } from '#ports';

/**
 * The keys that a query can answer, as far as its conditions on the columns of the key say: equal in the first columns,
 * then bounded in the next. What the range lets through is looked at again.
 */
export function rangeOf(table: TableSpec, { where = [], after, keys }: ReadQuery): PastRange {
  const parts: Array<string | number | bigint> = [];
  let bounds: Pick<PastRange, 'from' | 'to'> | undefined;
  for (const column of Object.keys(table.key)) {
    const value = equalTo(where, column);
    if (value === undefined) {
      bounds = boundsOf(where, column, parts);
      break;
    }
    parts.push(value);
  }
  const range = bounds ?? { from: keyText(parts), to: keyText(parts) + lastKeyText };
  return { table: table.name, ...narrowed(table, range, after === undefined ? undefined : keyTextOf(table, after), keys) };
}

type KeyPart = string | number | bigint;

function equalTo(where: readonly ReadCondition[], column: string): KeyPart | undefined {
  const found = where.find((condition) => condition.column === column && condition.is === 'eq' && typeof condition.value !== 'boolean');
  return found?.value as KeyPart | undefined;
}

function boundsOf(where: readonly ReadCondition[], column: string, parts: readonly KeyPart[]): Pick<PastRange, 'from' | 'to'> {
  let [from, to] = [keyText(parts), keyText(parts) + lastKeyText];
  for (const { column: name, is, value } of where) {
    if (name !== column || typeof value === 'boolean') continue;
    const text = keyText([...parts, value]);
    if (is === 'gte' || is === 'gt') from = compareText(text, from) > 0 ? text : from;
    if (is === 'lte' || is === 'lt') to = compareText(text + lastKeyText, to) < 0 ? text + lastKeyText : to;
  }
  return { from, to };
}

function narrowed(table: TableSpec, range: Pick<PastRange, 'from' | 'to'>, after: string | undefined, keys: ReadQuery['keys']): Pick<PastRange, 'from' | 'to'> {
  let { from, to } = range;
  if (after !== undefined && compareText(after, from) > 0) from = after;
  if (keys !== undefined && keys.length > 0) {
    const texts = keys.map((key) => keyTextOf(table, key)).sort(compareText);
    [from, to] = [texts[0] as string, `${texts.at(-1)}${lastKeyText}`];
  }
  return { from, to };
}

export function isIn({ from, to }: PastRange, key: string): boolean {
  return compareText(key, from) >= 0 && compareText(key, to) <= 0;
}

/** True when the conditions on columns of the key hold: of most rows outside nothing more is looked at. */
export function mayAnswer(where: readonly ReadCondition[], { key }: RowChange): boolean {
  return where.every(({ column, is, value }) => is !== 'eq' || !(column in key) || String(key[column]) === String(value));
}
