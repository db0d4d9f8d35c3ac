import { describe, expect, test } from '@jest/globals';
import { coverageByFolder, hasCode } from './coverage.ts';
import { needsOf, sortByNeeds } from './needs.ts';
import { filesOf, select, tiers } from './tiers.ts';

const files = ['apps/edge/a.spec.js', 'apps/edge/b.int-spec.js', 'libs/core/hls/c.spec.js', 'test/e2e/d.e2e-spec.js', 'test/sim/e.sim-spec.js'];

describe('the tiers', () => {
  test('part the files between them', () => {
    expect(tiers.flatMap((tier) => filesOf(tier, files, [])).toSorted()).toEqual(files);
  });

  test('are chosen by name, their files by words', () => {
    const { tiers: chosen, patterns } = select(['unit', 'hls']);
    expect(chosen.map((tier) => tier.name)).toEqual(['unit']);
    expect(chosen.flatMap((tier) => filesOf(tier, files, patterns))).toEqual(['libs/core/hls/c.spec.js']);
  });

  test('are all meant when none is named', () => {
    expect(select(['edge'])).toEqual({ tiers, patterns: ['edge'], hasCoverage: false });
    expect(select([])).toEqual({ tiers, patterns: [], hasCoverage: true });
  });

  test('do not run for coverage alone', () => {
    expect(select(['coverage'])).toEqual({ tiers: [], patterns: [], hasCoverage: true });
  });
});

describe('what a test file needs', () => {
  test.each([
    ['/** @needs chromium ffmpeg */\nimport 1', ['chromium', 'ffmpeg']],
    ['/**\n * About it.\n * @needs nginx\n */', ['nginx']],
    ["import 'x';\n// @needs chromium", []],
    ['', []],
  ])('stands in its first comment: %p', (text, needs) => {
    expect(needsOf(text)).toEqual(needs);
  });

  test('sets it aside when it is missing', () => {
    const read = (file: string): string => (file === 'a' ? '/** @needs chromium ffmpeg */' : '');
    expect(sortByNeeds(['a', 'b'], new Set(['chromium']), read)).toEqual({ runnable: ['b'], skipped: [{ file: 'a', missing: ['chromium'] }] });
    expect(sortByNeeds(['a', 'b'], new Set(), read)).toEqual({ runnable: ['a', 'b'], skipped: [] });
  });
});

describe('coverage', () => {
  const summary = {
    '/x/libs/core/hls/a.ts': { lines: { total: 100, covered: 95 } },
    '/x/libs/core/hls/types.ts': { lines: { total: 50, covered: 0 } },
    '/x/libs/domain/stream/b.ts': { lines: { total: 10, covered: 8 } },
    '/x/apps/edge/c.ts': { lines: { total: 10, covered: 0 } },
  };

  test('is judged by folder, without files of types', () => {
    const folders = coverageByFolder(summary, '/x', (file) => !file.endsWith('types.ts'));
    expect(folders).toEqual([
      { folder: 'libs/core', percent: 95, isEnough: true },
      { folder: 'libs/domain', percent: 80, isEnough: false },
      { folder: 'libs/kernel', percent: 100, isEnough: true },
      { folder: 'libs/events', percent: 100, isEnough: true },
    ]);
  });

  test.each([
    ['export {};\n//# sourceMappingURL=a.js.map', false],
    ["import 'a';\nexport { b,\n c } from './b.js';\nexport * from './c.js';", false],
    ['/** A shape. */\nexport {};', false],
    ['export const a = 5;', true],
    ['export function a() { return 1; }', true],
    ['import "a";\nrun();', true],
  ])('counts code: %p %p', (compiled, expected) => {
    expect(hasCode(compiled)).toBe(expected);
  });
});
