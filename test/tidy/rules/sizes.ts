import { object, type Rule } from '../project.ts';
import type { SourceFile } from '../source-file.ts';

export const fileLinesMax = 500;
export const functionLinesMax = 70;

/** Lists of data, which are as long as their subject. */
const tables = new Set<string>([]);

export const fileSizes: Rule = (files) =>
  files
    .filter((file) => file.lineCount > fileLinesMax && !tables.has(file.path))
    .map((file) => object(file, 1, `${file.lineCount} lines; at most ${fileLinesMax}`));

/** Test suites are one long callback by their nature. */
export const functionSizes: Rule = (files) =>
  files
    .filter((file) => !file.isTest)
    .flatMap((file) =>
      file.syntax.functions
        .filter((one) => one.lines > functionLinesMax)
        .map((one) => object(file, one.line, `${one.name} has ${one.lines} lines; at most ${functionLinesMax}`)),
    );

export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p90: number;
  readonly largest: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, median: at(0.5), p90: at(0.9), largest: sorted.at(-1) ?? 0 };
}

/** The figures of STYLE.md, for the eye. */
export function report(files: readonly SourceFile[]): string {
  const sources = files.filter((file) => !file.isTest);
  const tests = files.filter((file) => file.isTest);
  const lines = (some: readonly SourceFile[]): number => some.reduce((sum, file) => sum + file.lineCount, 0);
  const line = (name: string, one: Spread): string =>
    `${name.padEnd(10)} ${one.count} of them, median ${one.median}, p90 ${one.p90}, largest ${one.largest} lines`;
  const core = (file: SourceFile): boolean => file.path.startsWith('libs/core/');
  return [
    line('files', spread(sources.map((file) => file.lineCount))),
    line('functions', spread(sources.flatMap((file) => file.syntax.functions.map((one) => one.lines)))),
    `tests      ${(lines(tests) / Math.max(1, lines(sources))).toFixed(2)} lines per line of source; in libs/core ${(lines(tests.filter(core)) / Math.max(1, lines(sources.filter(core)))).toFixed(2)}`,
  ].join('\n');
}
