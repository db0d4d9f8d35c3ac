import { expect, test } from '@jest/globals';
import type { ColumnType, ColumnValue } from '#kernel';
import { copyText } from './copy-text.ts';

test.each<readonly [ColumnType, ReadonlyArray<ColumnValue | undefined>, string]>([
  ['text', ['a', '', null, undefined], 'a\n\n\\N\n\\N\n'],
  ['text', ['\\N', '\\.', 'a\tb', 'c\nd\r', 'ä😀'], '\\\\N\n\\\\.\na\\tb\nc\\nd\\r\nä😀\n'],
  ['integer', [1, -2, 9007199254740991], '1\n-2\n9007199254740991\n'],
  ['bigint', [9223372036854775807n, undefined], '9223372036854775807\n\\N\n'],
  ['double', [0.1, 1e21], '0.1\n1e+21\n'],
  ['boolean', [true, false], 'true\nfalse\n'],
  ['json', [['\ud800', '\\ud800', '😀']], '["\ufffd","\\\\\\\\ud800","😀"]\n'],
  ['json', [{ a: '"\n' }, [1], null], '{"a":"\\\\"\\\\n"}\n[1]\n\\N\n'],
])('%s %j', (type, values, expected) => {
  expect(String(copyText([{ type, of: (value) => value }], values))).toBe(expected);
});

test('values stand beside each other, rows below each other', () => {
  const of = (at: number) => (row: readonly string[]) => row[at];
  const fields = [0, 1].map((at) => ({ type: 'text' as const, of: of(at) }));
  expect(
    String(
      copyText(fields, [
        ['a', 'b'],
        ['c', 'd'],
      ]),
    ),
  ).toBe('a\tb\nc\td\n');
});
