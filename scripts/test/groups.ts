import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Jest loads its own machinery (expect, circus, some sixty modules) and every module under test anew for each test file,
 * 50 to 150 ms of work. Small files pay that more often than they test, so a tier may run its files in a few groups:
 * neighbours in path order, which share most of what they load.
 */
export function partition(files: readonly string[], groups: number): readonly (readonly string[])[] {
  const count = Math.min(groups, files.length);
  return Array.from({ length: count }, (_, at) => files.slice(Math.floor((at * files.length) / count), Math.floor(((at + 1) * files.length) / count)));
}

/** A test file that runs others, each as a block of its own name. One that cannot be loaded fails, and the others run. */
export function groupSource(files: readonly string[], from: string): string {
  const blocks = files.map((file) => `run(${JSON.stringify(file)}, () => require(${JSON.stringify(`${from}${file}`)}));`);
  return `const { describe, test } = require('@jest/globals');

function run(name, load) {
  describe(name, () => {
    try {
      load();
    } catch (error) {
      test('is loaded', () => {
        throw error;
      });
    }
  });
}

${blocks.join('\n')}
`;
}

/** Writes the groups beside the compiled tests and answers their paths. */
export function writeGroups(dist: string, name: string, files: readonly string[], groups: number): readonly string[] {
  const folder = join(dist, '.groups', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const inDist = files.map((file) => relative(dist, file));
  return partition(inDist, groups).map((group, at) => {
    const path = join(folder, `${name}-${at + 1}.spec.cjs`);
    writeFileSync(path, groupSource(group, '../../'));
    return path;
  });
}
