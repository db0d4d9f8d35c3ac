import type { Command } from 'commander';
import { purge, type PurgeOptions } from './cdn.commands.ts';
import { contextOf, type CommonOptions } from './context.ts';
import { remote, wholeNumber } from './program-parts.ts';

/** A value each time the option is given: tags and patterns may hold commas. */
function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function addPurge(program: Command): void {
  remote(program, 'purge [urls...]', 'make every edge forget URLs and more, and wait until they have')
    .option('--prefix, --prefixes <prefix>', 'all that begins so: a URL, or a path on every host; may be repeated, as all of these', repeated)
    .option('--tag, --tags <tag>', 'what the origin tagged so by Cache-Tag, Surrogate-Key or xkey', repeated)
    .option('--pattern, --patterns <regex>', 'all in whose path and query it is found, in the syntax of RE2', repeated)
    .option('--host, --hosts <name>', 'all of a host', repeated)
    .option('--zone, --zones <name>', 'all of a zone, by its name or id', repeated)
    .option('--all', 'everything of yours')
    .option('--soft', 'what is older is only stale from now on: revalidated, and served where stale may be')
    .option('--dry-run', 'only count what each edge would forget')
    .option('--idempotency-key <text>', 'asked for again with it, it is the same purge')
    .option('--no-wait', 'only request it')
    .option('--timeout <seconds>', 'how long to wait', wholeNumber, 10)
    .option('--reason <text>', 'why, for the record')
    .action((urls: string[], options: CommonOptions & PurgeOptions) => purge(contextOf(options), urls, options));
}
