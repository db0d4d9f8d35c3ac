import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { coveredFolders } from './coverage.ts';
import type { Tier } from './tiers.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: ReadonlyArray<{ readonly name: string; readonly status: string }>;
}

export interface JestRun extends Counts {
  /** Files with a failure, absolute paths. */
  readonly failedFiles: readonly string[];
}

/** Runs files of a tier under Jest, its output on this terminal, and counts. A file that cannot be loaded is a failure. */
export function runJest(root: string, tier: Tier, files: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<JestRun> {
  const workers = tier.workers === 1 ? '--runInBand' : `--maxWorkers=${tier.workers}`;
  // A test that failed may have left its browser open: the run ends all the same.
  const args = [
    '--forceExit',
    workers,
    `--testTimeout=${tier.testTimeoutMs}`,
    '--testRegex',
    tier.suffix.source.replace('js$', 'c?js$'),
    '--runTestsByPath',
    ...files,
  ];
  return runCounted(root, tier.name, args, env);
}

/**
 * Runs files once more and counts the lines of the covered folders that they run, into coverage/. Counting slows the
 * engine down two to three times, so it has a run of its own.
 */
export function runCoverage(root: string, files: readonly string[]): Promise<JestRun> {
  const from = coveredFolders.map((folder) => `--collectCoverageFrom=${folder}/**/*.js`);
  return runCounted(root, 'coverage', [
    '--maxWorkers=2',
    '--silent',
    '--coverage',
    ...from,
    '--collectCoverageFrom=!**/*spec.js',
    '--testRegex',
    'spec\\.js$',
    '--runTestsByPath',
    ...files,
  ]);
}

async function runCounted(root: string, name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<JestRun> {
  const folder = join(root, '.cache/test');
  const report = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const code = await run(root, ['--json', `--outputFile=${report}`, ...args], env);
  return readReport(report, code);
}

/** Jest writes the report to standard output, too; what is for people goes to standard error. */
function run(root: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  return new Promise((resolve, reject) => {
    const node = ['--no-warnings', '--experimental-vm-modules'];
    const child = spawn(process.execPath, [...node, jest, ...args], { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function readReport(file: string, code: number): JestRun {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as JestReport;
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    const failedFiles = report.testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
    return {
      passed: report.numPassedTests,
      failed: failed === 0 && code !== 0 ? 1 : failed,
      skipped: report.numPendingTests + report.numTodoTests,
      failedFiles,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failedFiles: [] };
  }
}
