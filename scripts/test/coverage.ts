import { readFileSync } from 'node:fs';

/** Folders whose code is pure, so that there is no excuse, with the share of lines that tests must run. */
export const coveredFolders = ['libs/core', 'libs/domain', 'libs/kernel', 'libs/events'] as const;
export const linesMin = 90;

interface LineCount {
  readonly total: number;
  readonly covered: number;
}

export type CoverageSummary = Readonly<Record<string, { readonly lines: LineCount }>>;

export interface FolderCoverage {
  readonly folder: string;
  readonly percent: number;
  readonly isEnough: boolean;
}

/** A file of types alone compiles to nothing: its lines cannot run. */
export function hasCode(compiled: string): boolean {
  return (
    compiled
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .replaceAll(/\/\/.*$/gm, '')
      .replace(/^(export|import)\b[^;]*;$/gm, (line) => (/^export (\{|\*)|^import/.test(line) ? '' : line))
      .trim() !== ''
  );
}

/** @param counts whether a source file has code at all. */
export function coverageByFolder(summary: CoverageSummary, root: string, counts: (file: string) => boolean): readonly FolderCoverage[] {
  return coveredFolders.map((folder) => {
    const files = Object.entries(summary).filter(([file]) => file.startsWith(`${root}/${folder}/`) && counts(file));
    const total = files.reduce((sum, [, { lines }]) => sum + lines.total, 0);
    const covered = files.reduce((sum, [, { lines }]) => sum + lines.covered, 0);
    const percent = total === 0 ? 100 : (100 * covered) / total;
    return { folder, percent, isEnough: percent >= linesMin };
  });
}

export function readSummary(file: string): CoverageSummary {
  return JSON.parse(readFileSync(file, 'utf8')) as CoverageSummary;
}
