import { RE2JS } from 're2js';

/**
 * A pattern in RE2's syntax as a test of a text, in time linear in the text: no pattern that anybody sends can hold a
 * process up.
 * @throws Error for what is no pattern
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.matcher(text).find();
}

/** Why a text is no pattern; undefined when it is one. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
