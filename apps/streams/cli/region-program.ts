import type { Command } from 'commander';
import { exitCodes } from '../streams.errors.ts';
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
    .option('--json', 'print JSON')
    .action(async (file: string, other: string, options: { json?: boolean }) => {
      if (!(await compareRegions(file, other, options))) setExitCode(exitCodes.different);
    });
}
