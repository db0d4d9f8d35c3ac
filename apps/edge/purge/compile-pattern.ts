import { RE2JS } from 're2js';

/**
 * A pattern in RE2's syntax as a test of a text, in time linear in the text: no pattern that anybody sends can hold an
 * edge up.
 * @throws Error for what is no pattern
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.test(text);
}
