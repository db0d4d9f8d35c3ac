import { Option, type Command } from 'commander';
import { exitCodes } from '../streams.errors.ts';
import { contextOf, type CommonOptions } from './context.ts';
import { group, moment, remote, wholeNumber } from './program-parts.ts';
import { diffReplay, listProjections, listReplays, runReplay, showReplay, tellReplay, type ReplayRunOptions } from './replay.commands.ts';

/** What `streams replay pause|resume|…` say of themselves. */
const verbs = {
  pause: 'let a replay stand still',
  resume: 'let a paused replay go on',
  cancel: 'give a replay up and drop its tables',
  promote: 'let readers see a replay that has caught up',
  rollback: 'let readers see again what a replay replaced',
} as const;

const acceptLoss = 'promote it even where the log no longer holds all events (LOG_SEALED_DAYS): rows that only removed ones told of are lost';

function numbers(text: string): readonly number[] {
  return text.split(',').map((one) => wholeNumber(one.trim()));
}

/** `streams replay …` and `streams projections`. */
export function addReplays(program: Command, setExitCode: (code: number) => void): void {
  const replay = group(program, 'replay', 'build read models anew beside those that serve, and compare them');
  remote(replay, 'run <projection>', 'build a read model anew from the log, and wait until it has caught up')
    .option('--from <time>', 'only events recorded from then on (such a build cannot serve)', moment)
    .option('--until <time>', 'only events recorded before', moment)
    .option('--partitions <list>', 'only these partitions of each topic, such as 0,1', numbers)
    .addOption(
      new Option('--on-poison <choice>', 'at an event that the projection cannot handle; what nobody can read is passed over and counted')
        .choices(['stop', 'skip'])
        .default('stop'),
    )
    .option('--promote', 'let readers see it as soon as it has caught up', false)
    .option('--accept-loss', acceptLoss, false)
    .option('--reason <text>', 'why, for the record')
    .option('--no-wait', 'only request it')
    .action((projection: string, options: CommonOptions & ReplayRunOptions) => runReplay(contextOf(options), projection, options));
  remote(replay, 'diff <projection>', `compare what this code makes of the log with the rows that serve; exits with ${exitCodes.different} when they differ`)
    .option('--until <time>', 'build from events recorded before alone; what later ones changed then differs, too', moment)
    .option('--reason <text>', 'why, for the record')
    .action(async (projection: string, options: CommonOptions & { until?: string; reason?: string }) => {
      if (!(await diffReplay(contextOf(options), projection, options))) setExitCode(exitCodes.different);
    });
  remote(replay, 'list', 'list replays, newest first')
    .option('--projection <name>', 'only of this one')
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .action((options: CommonOptions & { limit: number; projection?: string }) => listReplays(contextOf(options), options));
  remote(replay, 'show <id>', 'show how far a replay is, and what differs').action((id: string, options: CommonOptions) => showReplay(contextOf(options), id));
  for (const [verb, description] of Object.entries(verbs) as ReadonlyArray<readonly [keyof typeof verbs, string]>) {
    const command = remote(replay, `${verb} <id>`, description).option('--reason <text>', 'why, for the record');
    if (verb === 'promote') command.option('--accept-loss', acceptLoss);
    command.action((id: string, options: CommonOptions & { reason?: string; acceptLoss?: boolean }) => tellReplay(contextOf(options), verb, id, options));
  }
  remote(program, 'projections', 'list read models: which version serves, and how far it is behind').action((options: CommonOptions) =>
    listProjections(contextOf(options)),
  );
}
