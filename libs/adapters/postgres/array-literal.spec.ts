import { expect, test } from '@jest/globals';
import { columnArray, textArray } from './array-literal.ts';

test.each([
  ['text', [], '{}'],
  ['text', ['a', '', 'NULL', null, undefined], '{"a","","NULL",NULL,NULL}'],
  ['text', ['"', '\\', 'a,b', '{x}', 'ä😀\n'], '{"\\"","\\\\","a,b","{x}","ä😀\n"}'],
  ['integer', [1, -2, null, 9007199254740991], '{1,-2,NULL,9007199254740991}'],
  ['bigint', [9223372036854775807n, undefined], '{9223372036854775807,NULL}'],
  ['double', [0.1, 1e-300, 1e21], '{0.1,1e-300,1e+21}'],
  ['boolean', [true, false, null], '{true,false,NULL}'],
  ['json', [{ a: '"' }, 'text', null, [1]], '{"{\\"a\\":\\"\\\\\\"\\"}","\\"text\\"",NULL,"[1]"}'],
] as const)('%s %j', (type, values, expected) => {
  expect(columnArray(type, values)).toBe(expected);
});

test('texts alone', () => {
  expect(textArray(['a', '"b"'])).toBe('{"a","\\"b\\""}');
});
