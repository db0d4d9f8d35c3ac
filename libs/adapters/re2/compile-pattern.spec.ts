import { describe, expect, test } from '@jest/globals';
import { compilePattern, patternProblem } from './compile-pattern.ts';

describe('patterns', () => {
  test.each([
    ['^/a/.*\\.js$', '/a/b.js', true],
    ['^/a/.*\\.js$', '/b/a/b.js', false],
    ['b', '/abc', true],
    ['(?i)LOGO', '/img/logo.png', true],
    ['^/ä', '/ä', true],
  ])('%j finds itself in %j: %s', (pattern, text, found) => expect(compilePattern(pattern)(text)).toBe(found));

  test.each(['(', '[a', 'a{2,1}', '(?=a)', '\\1', 'a{1001}'])('%j is none', (pattern) => expect(patternProblem(pattern)).toEqual(expect.any(String)));

  test('what hangs other engines does not hang this one', () => {
    expect(compilePattern('^(a+)+$')(`${'a'.repeat(50_000)}!`)).toBe(false);
    expect(patternProblem('^(a|a)*$')).toBeUndefined();
  });
});
