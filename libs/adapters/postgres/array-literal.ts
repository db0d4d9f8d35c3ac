import type { ColumnType, ColumnValue } from '#kernel';
import { jsonText } from './json-text.ts';

const needsEscape = /["\\]/;

function quoted(text: string): string {
  return needsEscape.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

/** An array of texts in PostgreSQL's input syntax (manual, section 8.15.6). */
export function textArray(values: readonly string[]): string {
  return `{${values.map(quoted).join(',')}}`;
}

/**
 * The values of one column as an array literal. Written by hand because the driver's general path costs more than the
 * upsert itself for thousands of rows. `undefined` is null: a column that a change does not set.
 */
export function columnArray(type: ColumnType, values: readonly (ColumnValue | undefined)[]): string {
  if (type === 'text') return literal(values, (value) => quoted(value as string));
  if (type === 'json') return literal(values, (value) => quoted(jsonText(value)));
  return literal(values, String);
}

function literal(values: readonly (ColumnValue | undefined)[], write: (value: ColumnValue) => string): string {
  let text = '{';
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (at > 0) text += ',';
    text += value === null || value === undefined ? 'NULL' : write(value);
  }
  return `${text}}`;
}
