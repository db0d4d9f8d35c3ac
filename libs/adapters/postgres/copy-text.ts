import type { ColumnType, ColumnValue } from '#kernel';
import { jsonText } from './json-text.ts';

/** One value of each row. */
export interface CopyField<Row> {
  readonly type: ColumnType;
  of(row: Row): ColumnValue | undefined;
}

const needsEscape = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(text: string): string {
  return needsEscape.test(text) ? text.replace(/[\\\n\r\t]/g, (found) => escapes[found] as string) : text;
}

function written(type: ColumnType, value: ColumnValue | undefined): string {
  if (value === null || value === undefined) return '\\N';
  if (type === 'text') return escaped(value as string);
  return type === 'json' ? escaped(jsonText(value)) : String(value);
}

/**
 * Rows in the text format of COPY (PostgreSQL manual, COPY, "Text Format"): as cheap for the server as the binary one, and
 * values out of range are the server's to refuse. `undefined` is null: a column that a row does not set.
 */
export function copyText<Row>(fields: ReadonlyArray<CopyField<Row>>, rows: readonly Row[]): Buffer {
  let text = '';
  for (const row of rows) {
    for (let at = 0; at < fields.length; at++) {
      const { type, of } = fields[at] as CopyField<Row>;
      text += at === 0 ? written(type, of(row)) : `\t${written(type, of(row))}`;
    }
    text += '\n';
  }
  return Buffer.from(text);
}
