import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coverageByFolder, coveredFolders, hasCode, linesMin, readSummary } from './coverage.ts';
import { runCoverage, runJest, type Counts } from './jest-run.ts';
import { SharedKafka, startBroker } from './shared-kafka.ts';
import { runTwice } from './second-run.ts';
import { writeGroups } from './groups.ts';
import { sortByNeeds } from './needs.ts';
import { filesOf, select, tiers, type Tier } from './tiers.ts';

export interface TestRunInit {
  readonly root: string;
  /** Names of tiers, and parts of file paths. */
  readonly words: readonly string[];
  /** On a build machine nothing may be skipped. */
  readonly isCi: boolean;
  readonly say: (line: string) => void;
}

interface SystemPackages {
  readonly installTools: (purpose: string, say: (line: string) => void) => ReadonlyArray<{ readonly name: string }>;
  readonly installCommand: (missing: ReadonlyArray<{ readonly name: string }>) => string;
}

/** Runs lint and every tier, and closes with the sum. Resolves to the exit code. */
export async function runTests(init: TestRunInit): Promise<number> {
  const selection = select(init.words);
  const files = globSync(['libs/**/*spec.js', 'apps/**/*spec.js', 'test/**/*spec.js', 'bench/**/*spec.js', 'scripts/**/*spec.js'], {
    cwd: join(init.root, 'dist'),
  });
  const counts: Counts[] = [];
  if (selection.hasLint) counts.push(await lint(init));
  // A run of one tier alone need not look for programs that it cannot need.
  const missing = selection.tiers.some((tier) => tier.name !== 'unit') ? await missingPrograms(init) : new Set<string>();
  for (const tier of selection.tiers) {
    const chosen = filesOf(tier, files, selection.patterns).map((file) => join(init.root, 'dist', file));
    if (chosen.length > 0) counts.push(await runTier(init, tier, chosen, missing));
  }
  if (selection.hasCoverage) counts.push(await coverage(init, files));
  const total = sum(counts);
  const isEmpty = counts.length === 0;
  if (isEmpty) init.say(`No test file matches ${init.words.join(' ')}.`);
  init.say(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 || isEmpty ? 1 : 0;
}

function sum(counts: readonly Counts[]): Counts {
  const add = (key: keyof Counts): number => counts.reduce((total, one) => total + one[key], 0);
  return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') };
}

async function runTier(init: TestRunInit, tier: Tier, files: readonly string[], missing: ReadonlySet<string>): Promise<Counts> {
  const begun = performance.now();
  init.say(`\n── ${tier.name}: ${tier.title}, ${files.length} files`);
  const { runnable, skipped } = sortByNeeds(files, missing);
  for (const one of skipped)
    init.say(`${init.isCi ? 'FAILED ' : 'skipped'} ${relative(join(init.root, 'dist'), one.file)}: it needs ${one.missing.join(' and ')}`);
  const counts: Counts[] = [{ passed: 0, failed: init.isCi ? skipped.length : 0, skipped: init.isCi ? 0 : skipped.length }];
  const jestFiles = tier.groups === undefined ? runnable : writeGroups(join(init.root, 'dist'), tier.name, runnable, tier.groups);
  if (jestFiles.length > 0) counts.push(await runFiles(init, tier, jestFiles));
  init.say(`── ${tier.name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return refuseSkips(init, sum(counts));
}

/** The files of a tier may share a broker. */
async function runFiles({ root, say }: TestRunInit, tier: Tier, files: readonly string[]): Promise<Counts> {
  const kafka = await SharedKafka.listen(() => startBroker(join(root, 'dist/test/constellation/kafka/broker.main.js')));
  try {
    return await runTwice(tier, files, (once, some) => runJest(root, once, some, kafka.env), say);
  } finally {
    await kafka.stop();
  }
}

function refuseSkips({ isCi, say }: TestRunInit, counts: Counts): Counts {
  if (!isCi || counts.skipped === 0) return counts;
  say(`${counts.skipped} skipped tests count as failed, because CI is set.`);
  return { passed: counts.passed, failed: counts.failed + counts.skipped, skipped: 0 };
}

/** The unit tests of the pure folders, run again to count lines: their results are counted already, unless they differ. */
async function coverage({ root, say }: TestRunInit, files: readonly string[]): Promise<Counts> {
  const begun = performance.now();
  say(`\n── coverage of ${coveredFolders.join(', ')}`);
  const specs = tiers.slice(0, 1).flatMap((tier) =>
    filesOf(
      tier,
      files,
      coveredFolders.map((folder) => `${folder}/`),
    ),
  );
  const { failed } = await runCoverage(
    root,
    specs.map((file) => join(root, 'dist', file)),
  );
  const hasCodeOf = (file: string): boolean => hasCode(readFileSync(join(root, 'dist', relative(root, file).replace(/\.ts$/, '.js')), 'utf8'));
  const folders = coverageByFolder(readSummary(join(root, 'coverage/coverage-summary.json')), root, hasCodeOf);
  for (const { folder, percent, isEnough } of folders)
    say(`${folder.padEnd(12)} ${percent.toFixed(1).padStart(5)} % of lines${isEnough ? '' : `: too few, ${linesMin} % are asked for`}`);
  say(`── coverage: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return { passed: 0, failed: failed + folders.filter((one) => !one.isEnough).length, skipped: 0 };
}

/** Programs that no npm package brings: installed where that is allowed, named where it is not. */
async function missingPrograms({ root, say }: TestRunInit): Promise<ReadonlySet<string>> {
  const system = (await import(pathToFileURL(join(root, 'scripts/system-packages.mjs')).href)) as SystemPackages;
  const missing = system.installTools('test', say);
  if (missing.length > 0) say(`Missing: ${missing.map((tool) => tool.name).join(', ')}. Install with: sudo ${system.installCommand(missing)}`);
  return new Set(missing.map((tool) => tool.name));
}

/** Lint with types, and the types of the console, which its bundler strips unseen. */
async function lint({ root, say }: TestRunInit): Promise<Counts> {
  const begun = performance.now();
  say('── lint');
  const codes = [
    await runProgram(root, 'oxlint/bin/oxlint', '--type-aware', '--deny-warnings'),
    await runProgram(root, 'typescript/bin/tsc', '-p', 'apps/console'),
  ];
  say(`── lint: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return { passed: 0, failed: codes.filter((code) => code !== 0).length, skipped: 0 };
}

/** Runs a program of node_modules on this terminal; its exit code. */
function runProgram(root: string, program: string, ...args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
