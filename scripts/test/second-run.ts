import type { Counts, JestRun } from './jest-run.ts';
import type { Tier } from './tiers.ts';

type Run = (tier: Tier, files: readonly string[]) => Promise<JestRun>;

/** More files than this do not fail by the machine's mood. */
const filesMax = 3;

/**
 * Runs a tier, and the few files that failed once more, alone: tests with real encoders, browsers and databases share the
 * machine with whatever else it does. What passes then is counted as passed and named as unsteady, so that somebody looks
 * at it; a unit test gets no second chance.
 */
export async function runTwice(tier: Tier, files: readonly string[], run: Run, say: (line: string) => void): Promise<Counts> {
  const first = await run(tier, files);
  const again = first.failedFiles;
  if (tier.name === 'unit' || again.length === 0 || again.length > filesMax) return countsOf(first);
  say(`\n── ${tier.name}: once more, alone: ${again.join(', ')}`);
  const second = await run({ ...tier, workers: 1 }, again);
  for (const file of again) say(`${second.failedFiles.includes(file) ? 'FAILED TWICE' : 'UNSTEADY'} ${file}`);
  // Of the first run counts what the second did not repeat: everything but the failures.
  const repaired = Math.max(0, first.failed - second.failed);
  return { passed: first.passed + repaired, failed: second.failed, skipped: first.skipped };
}

function countsOf({ passed, failed, skipped }: Counts): Counts {
  return { passed, failed, skipped };
}
