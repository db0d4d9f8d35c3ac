import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSource, type SourceFile } from './source-file.ts';

/** This file runs as dist/test/tidy/project.js. */
export const root = resolve(import.meta.dirname, '../../..');

const patterns = ['libs/**/*.ts', 'apps/**/*.{ts,tsx}', 'bench/**/*.ts', 'migrations/**/*.ts', 'scripts/**/*.{ts,mjs}', 'test/**/*.ts'];

/** Every source file of the project, parsed. */
export function readProject(): readonly SourceFile[] {
  return globSync(patterns, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/(^|\/)(node_modules|generated|dist)\//.test(path))
    .sort()
    .map((path) => readSource(path, readFileSync(join(root, path), 'utf8')));
}

/** An objection, as `file:line: what is wrong`. */
export type Objection = string;

export type Rule = (files: readonly SourceFile[]) => readonly Objection[];

export function object(file: SourceFile, line: number, what: string): Objection {
  return `${file.path}:${line}: ${what}`;
}
