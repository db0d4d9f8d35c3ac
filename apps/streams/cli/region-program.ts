import type { Command } from 'commander';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import { group } from './program-parts.ts';
import { compareRegions, digestRegion } from './region.commands.ts';

/** `streams region …` */
export function addRegions(program: Command, setExitCode: (code: number) => void): void {
  const region = group(program, 'region', 'find out whether regions that mirror each other agree');
  region
    .command('digest [file]')
    .description(
      'print digests of the log of this machine, by partition, and of the rows in DATABASE_URL, by range, as JSON, into a file or to standard output',
    )
    .action(digestRegion);
  region
    .command('compare <file> <other>')
    .description(`name the parts in which two such digests differ; exits with ${exitCodes.different} when any does`)
    .option('--later <files...>', 'digests of both that were taken later: what was written to in between is told apart, and is no difference')
    .option('--json', 'print JSON')
    .action(async (file: string, other: string, { json = false, later }: { json?: boolean; later?: readonly string[] }) => {
      const [a, b, ...more] = later ?? [];
      if (later !== undefined && (a === undefined || b === undefined || more.length > 0))
        throw new PlainFailure('--later takes two files: of the first region, and of the other.', exitCodes.usage);
      const pair = a === undefined || b === undefined ? undefined : ([a, b] as const);
      if (!(await compareRegions({ file, other, later: pair }, { json }))) setExitCode(exitCodes.different);
    });
}
