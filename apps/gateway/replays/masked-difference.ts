import { createHash } from 'node:crypto';
import { isErased, mask, replaceSealed } from '#events';
import type { TableSpec } from '#kernel';
import type { RowDifference } from '#ports';

const nameHexChars = 12;

/**
 * A row that differs as everybody sees it: what is personal is masked, as in rows. In the key the mask has a name behind it, so that rows are told
 * apart; it is of what is encrypted, from which nobody finds the value.
 */
export function maskedDifference({ kind, key, columns }: RowDifference, table: TableSpec | undefined): Pick<RowDifference, 'kind' | 'key' | 'columns'> {
  const shown = (column: string, value: unknown): unknown => (isPersonal(table, column) && !isOpen(value) ? mask : withoutSealed(value, () => mask));
  return {
    kind,
    key: Object.fromEntries(Object.entries(key).map(([column, value]) => [column, withoutSealed(value, named)])),
    columns: Object.fromEntries(
      Object.entries(columns).map(([column, { serving, rebuilt }]) => [column, { serving: shown(column, serving), rebuilt: shown(column, rebuilt) }]),
    ),
  };
}

function isPersonal(table: TableSpec | undefined, column: string): boolean {
  return Object.hasOwn(table?.personal ?? {}, column);
}

/** There is nothing to see in it. */
function isOpen(value: unknown): boolean {
  return value === null || value === '' || (typeof value === 'string' && isErased(value));
}

function named(sealed: string): string {
  return `${mask}${createHash('sha256').update(sealed).digest('hex').slice(0, nameHexChars)}`;
}

function withoutSealed(value: unknown, by: (sealed: string) => string): unknown {
  if (typeof value === 'string') return replaceSealed(value, by);
  if (Array.isArray(value)) return value.map((each) => withoutSealed(each, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [replaceSealed(name, by), withoutSealed(each, by)]));
}
