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
}

/** Runs files of a tier under Jest, its output on this terminal, and counts. A file that cannot be loaded is a failure. */
export async function runJest(root: string, tier: Tier, files: readonly string[]): Promise<Counts> {
  const folder = join(root, '.cache/test');
  const report = join(folder, `${tier.name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const code = await run(root, [...settingsOf(tier), '--json', `--outputFile=${report}`, '--runTestsByPath', ...files]);
  return readReport(report, code);
}

function settingsOf(tier: Tier): string[] {
  const coverage = ['--coverage', ...coveredFolders.map((folder) => `--collectCoverageFrom=${folder}/**/*.js`), '--collectCoverageFrom=!**/*spec.js'];
  return [
    tier.workers === 1 ? '--runInBand' : `--maxWorkers=${tier.workers}`,
    `--testTimeout=${tier.testTimeoutMs}`,
    '--testRegex',
    tier.suffix.source,
    ...(tier.isCovered ? coverage : []),
  ];
}

/** Jest writes the report to standard output, too; what is for people goes to standard error. */
function run(root: string, args: readonly string[]): Promise<number> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', '--experimental-vm-modules', jest, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function readReport(file: string, code: number): Counts {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as JestReport;
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: report.numPendingTests + report.numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
