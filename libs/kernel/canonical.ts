import { compareText } from './compare.ts';
import type { RowChange } from './projection.ts';

/** A value as text that is equal exactly when the values are: names in order, a bigint told from a number. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) => {
    if (typeof one === 'bigint') return `${one}n`;
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    // As pairs: an object would put names that look like numbers first, and lose `__proto__`.
    const fields = Object.entries(one).filter(([, field]) => field !== undefined);
    return fields.sort(([a], [b]) => compareText(a, b)).flatMap(([name, field]) => [`${name}:`, field as unknown]);
  });
}

/** Rows as one text, whatever the order in which they come. */
export function rowsText(rows: readonly RowChange[]): string {
  return rows
    .map(({ table, key, set, stamps = {} }) => canonicalText([table, key, set, stamps]))
    .sort()
    .join('\n');
}
