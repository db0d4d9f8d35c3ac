import type { Command } from 'commander';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import { contextOf, type CommonOptions } from './context.ts';
import { discardParked, listParked, retryAllParked, retryParked, showParked, tryParked, type ParkedFilterOptions, type TryOptions } from './parked.commands.ts';
import { group, remote, wholeNumber } from './program-parts.ts';

function filtered(command: Command): Command {
  return command
    .option('--topic <name>', 'only of this topic')
    .option('--consumer <name@version>', 'only what this projection has parked, such as streams@3; * for what nobody can read')
    .option('--type <type>', 'only events of this type')
    .option('--code <code>', 'only for this reason, such as PROJECTION_FAILED');
}

type RetryOptions = CommonOptions & ParkedFilterOptions & { readonly all?: boolean; readonly reason?: string; readonly wait: boolean };

function retry(id: string | undefined, options: RetryOptions): Promise<void> {
  if ((id === undefined) === (options.all !== true))
    throw new PlainFailure('Name one parked event, or say --all (with a filter, if you like).', exitCodes.usage);
  return id === undefined ? retryAllParked(contextOf(options), options) : retryParked(contextOf(options), id, options);
}

/** `streams parked …` */
export function addParked(program: Command, setExitCode: (code: number) => void): void {
  const parked = group(program, 'parked', 'see and deal with events that could not be read or taken');
  filtered(remote(parked, 'list', 'list what waits for somebody, newest first'))
    .option('--state <state>', 'parked, retrying, discarding, redriven or discarded (default: the first three, which hold back others)')
    .option('--all', 'in whatever state')
    .option('--limit <number>', 'how many', wholeNumber, 50)
    .action((options: CommonOptions & ParkedFilterOptions & { state?: string; all?: boolean; limit: number }) => listParked(contextOf(options), options));
  remote(parked, 'show <id>', 'show why an event is parked, and what waits behind it').action((id: string, options: CommonOptions) =>
    showParked(contextOf(options), id),
  );
  filtered(remote(parked, 'retry [id]', 'have a parked event taken after all, and then what waits behind it, in order'))
    .option('--all', 'all that are parked, or those of the filter')
    .option('--reason <text>', 'why, for the record')
    .option('--no-wait', 'only ask for it')
    .action(retry);
  remote(parked, 'discard <id>', 'leave a parked event out for good, and have what waits behind it taken')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--no-wait', 'only ask for it')
    .action((id: string, options: CommonOptions & { reason: string; wait: boolean }) => discardParked(contextOf(options), id, options));
  remote(
    parked,
    'try <id>',
    `try a parked event with another upcaster or other data, here and without changing anything; exits with ${exitCodes.failed} when it fails`,
  )
    .alias('edit-upcaster-test')
    .option('--upcaster <file>', 'a module whose default export is (data, { type, version }) => data of the newest version')
    .option('--data <file>', 'JSON to try in place of its data')
    .option('--dir <folder>', 'where to write files to edit, when neither is given', '.')
    .action(async (id: string, options: CommonOptions & TryOptions) => {
      if (!(await tryParked(contextOf(options), id, options))) setExitCode(exitCodes.failed);
    });
}
