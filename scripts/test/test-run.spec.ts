import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { coverageByFolder, hasCode } from './coverage.ts';
import { groupSource, partition } from './groups.ts';
import { needsOf, sortByNeeds } from './needs.ts';
import type { JestRun } from './jest-run.ts';
import { SharedKafka } from './shared-kafka.ts';
import { sharedAddress } from '../../test/constellation/kafka/shared-kafka.ts';
import { runTwice } from './second-run.ts';
import { filesOf, select, tiers, type Tier } from './tiers.ts';

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
    expect(select(['edge'])).toEqual({ tiers, patterns: ['edge'], hasLint: false, hasCoverage: false });
    expect(select([])).toEqual({ tiers, patterns: [], hasLint: true, hasCoverage: true });
  });

  test('do not run for lint or coverage alone', () => {
    expect(select(['coverage'])).toEqual({ tiers: [], patterns: [], hasLint: false, hasCoverage: true });
    expect(select(['lint'])).toEqual({ tiers: [], patterns: [], hasLint: true, hasCoverage: false });
  });
});

describe('the broker of a run', () => {
  test('is started for the first who asks, given to all, and stopped with the run', async () => {
    const told: string[] = [];
    const start = async () => {
      told.push('started');
      return { address: '127.0.0.1:9', stop: async () => void told.push('stopped') };
    };
    const [unused, kafka] = [await SharedKafka.listen(start), await SharedKafka.listen(start)];
    await unused.stop();
    const url = kafka.env['STREAMS_TEST_KAFKA'] ?? '';
    expect(told).toEqual([]);
    expect(await Promise.all([sharedAddress(url), sharedAddress(url)])).toEqual(['127.0.0.1:9', '127.0.0.1:9']);
    await kafka.stop();
    expect(told).toEqual(['started', 'stopped']);
    await expect(sharedAddress(url)).rejects.toThrow('ECONNREFUSED');
  });

  test('that does not start is told to everyone who asks', async () => {
    const kafka = await SharedKafka.listen(() => Promise.reject(new Error('no Java here')));
    await expect(sharedAddress(kafka.env['STREAMS_TEST_KAFKA'] ?? '')).rejects.toThrow('no Java here');
    await kafka.stop();
  });
});

describe('groups of test files', () => {
  test.each([1, 3, 8, 20])('hold every file once, in order, in %i parts at most', (groups) => {
    const names = Array.from({ length: 11 }, (_, at) => `${at}`);
    const parts = partition(names, groups);
    expect(parts.flat()).toEqual(names);
    expect(parts).toHaveLength(Math.min(groups, 11));
    expect(Math.max(...parts.map((part) => part.length)) - Math.min(...parts.map((part) => part.length))).toBeLessThanOrEqual(1);
    expect(partition([], groups)).toEqual([]);
  });

  test('load each file in a block of its name; what cannot be loaded fails, and the others run', () => {
    const seen: string[] = [];
    const failures: unknown[] = [];
    const globals = { describe: (name: string, body: () => void) => (seen.push(name), body()), test: (_: string, body: () => void) => failures.push(body) };
    const load = (name: string): unknown => {
      if (name === '@jest/globals') return globals;
      if (name.endsWith('b.spec.js')) throw new Error('no such export');
      return seen.push(`loaded ${name}`);
    };
    runInNewContext(groupSource(['x/a.spec.js', 'x/b.spec.js', 'x/c.spec.js'], '../'), { require: load });
    expect(seen).toEqual(['x/a.spec.js', 'loaded ../x/a.spec.js', 'x/b.spec.js', 'x/c.spec.js', 'loaded ../x/c.spec.js']);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toThrow('no such export');
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

describe('a second run', () => {
  const tier = (name: string): Tier => tiers.find((one) => one.name === name) as Tier;
  const outcome = (passed: number, failed: number, ...failedFiles: string[]): JestRun => ({ passed, failed, skipped: 1, failedFiles });

  async function twice(name: string, ...outcomes: JestRun[]): Promise<{ counts: object; said: string[]; runs: string[] }> {
    const said: string[] = [];
    const runs: string[] = [];
    const run = (used: { workers: number }, files: readonly string[]): Promise<JestRun> => {
      runs.push(`${used.workers}: ${files.join(' ')}`);
      return Promise.resolve(outcomes[runs.length - 1] as JestRun);
    };
    const counts = await runTwice(tier(name), ['a', 'b', 'c', 'd'], run, (line) => said.push(line));
    return { counts, said, runs };
  }

  test('is not made when all passed', async () => {
    expect(await twice('int', outcome(9, 0))).toEqual({ counts: { passed: 9, failed: 0, skipped: 1 }, said: [], runs: ['2: a b c d'] });
  });

  test('repairs what passes alone, and names it', async () => {
    const { counts, said, runs } = await twice('int', outcome(8, 1, 'b'), outcome(3, 0));
    expect(counts).toEqual({ passed: 9, failed: 0, skipped: 1 });
    expect(runs).toEqual(['2: a b c d', '1: b']);
    expect(said.at(-1)).toBe('UNSTEADY b');
  });

  test('does not repair what fails again', async () => {
    const { counts, said } = await twice('e2e', outcome(7, 2, 'b', 'c'), outcome(3, 1, 'c'));
    expect(counts).toEqual({ passed: 8, failed: 1, skipped: 1 });
    expect(said.slice(-2)).toEqual(['UNSTEADY b', 'FAILED TWICE c']);
  });

  test.each([
    ['of unit tests', 'unit', ['b']],
    ['of many files', 'int', ['a', 'b', 'c', 'd']],
    ['of a run that broke off', 'int', []],
  ])('is not made %s', async (_what, name, failed) => {
    const { counts, runs } = await twice(name, outcome(1, 4, ...failed), outcome(9, 0));
    expect(counts).toEqual({ passed: 1, failed: 4, skipped: 1 });
    expect(runs).toHaveLength(1);
  });
});
