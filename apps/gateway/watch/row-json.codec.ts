import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow } from '#ports';
import { badRequest, type FieldProblem } from '../http/problem.errors.ts';

/** Integers that a JSON number does not hold exactly go as text. */
export function jsonValue(_name: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

export function rowJson(row: ReadRow): string {
  return JSON.stringify(row, jsonValue);
}

/** `{token, snapshot, rows}` on one line; without a token while there is none. */
export function rowsJson(rows: readonly ReadRow[], token: string, snapshot: boolean): string {
  return JSON.stringify({ ...(token === '' ? {} : { token }), snapshot, rows }, jsonValue);
}

/**
 * Conditions as `column:value`.
 * @throws ProblemError 400 naming those that are wrong
 */
export function conditionsOfText(table: TableSpec, texts: readonly string[]): ReadCondition[] {
  const errors: FieldProblem[] = [];
  const conditions = texts.flatMap((text): ReadCondition[] => {
    const [column, value] = text.includes(':') ? [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)] : [text, ''];
    const type = Object.hasOwn(table.key, column) ? table.key[column] : undefined;
    const field = 'query.where';
    if (type === undefined) errors.push({ field, message: `Expected column:value with a column of the key: ${Object.keys(table.key).join(', ')}.` });
    // U+0000 is in no text that a read model holds, and PostgreSQL takes none.
    else if (type === 'text' ? value.includes('\0') : !/^-?\d{1,15}$/.test(value))
      errors.push({ field, message: `Expected a value of the type ${type} for ${column}.` });
    else return [{ column, is: 'eq', value: type === 'text' ? value : type === 'bigint' ? BigInt(value) : Number(value) }];
    return [];
  });
  if (errors.length > 0) throw badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
  return conditions;
}
