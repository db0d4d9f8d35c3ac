import type { Command } from 'commander';
import { exitCodes } from '../streams.errors.ts';
import { contextOf, type CommonOptions } from './context.ts';
import { group, moment, remote, wholeNumber, words } from './program-parts.ts';
import {
  compareSandbox,
  createSandbox,
  dropSandbox,
  listSandboxes,
  querySandbox,
  showSandbox,
  type CreateSandboxOptions,
  type QuerySandboxOptions,
} from './sandbox.commands.ts';

function more(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** `streams sandbox …` */
export function addSandboxes(program: Command, setExitCode: (code: number) => void): void {
  const sandbox = group(program, 'sandbox', 'build read models of a part of the log beside the platform, and look at them');
  remote(sandbox, 'create <name>', 'build a sandbox, and wait until it is ready')
    .option('--from <time>', 'only events recorded from then on', moment)
    .option('--until <time>', 'only events recorded before (default: now)', moment)
    .option('--projection <list>', 'only these read models, separated by commas or repeated (default: all)', words)
    .option('--hours <number>', 'until it is dropped by itself', wholeNumber)
    .option('--reason <text>', 'why, for the record')
    .option('--no-wait', 'only request it')
    .action((name: string, options: CommonOptions & CreateSandboxOptions) => createSandbox(contextOf(options), name, options));
  remote(sandbox, 'list', 'list the sandboxes that there are').action((options: CommonOptions) => listSandboxes(contextOf(options)));
  remote(sandbox, 'show <name>', 'show a sandbox').action((name: string, options: CommonOptions) => showSandbox(contextOf(options), name));
  remote(sandbox, 'query <name> <table>', 'print rows of a table of a sandbox, in the order of their keys')
    .option('--where <column:value>', 'only rows with this in a column of the key; repeat for more', more)
    .option('--limit <number>', 'how many', wholeNumber, 100)
    .option('--cursor <cursor>', 'where the page before ended')
    .action((name: string, table: string, options: CommonOptions & QuerySandboxOptions) => querySandbox(contextOf(options), name, table, options));
  remote(
    sandbox,
    'diff <name> <projection>',
    `compare a read model of a sandbox with what serves now; exits with ${exitCodes.different} when they differ`,
  ).action(async (name: string, projection: string, options: CommonOptions) => {
    if (!(await compareSandbox(contextOf(options), name, projection))) setExitCode(exitCodes.different);
  });
  remote(sandbox, 'drop <name>', 'remove a sandbox, and wait until nothing is left of it')
    .option('--reason <text>', 'why, for the record')
    .option('--no-wait', 'only request it')
    .action((name: string, options: CommonOptions & { reason?: string; wait: boolean }) => dropSandbox(contextOf(options), name, options));
}
