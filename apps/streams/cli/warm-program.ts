import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { remote, wholeNumber } from './program-parts.ts';
import { warm, type WarmOptions } from './warm.commands.ts';

function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `streams cdn warm` */
export function addWarm(cdn: Command): void {
  remote(cdn, 'warm [urls...]', 'make edges fetch what will be asked for, and wait until they have')
    .option('--file <path>', 'a file with a URL in each line')
    .option('--sitemap, --sitemaps <url>', 'what a sitemap lists; may be repeated, as the next two', repeated)
    .option('--top <number>', 'what was asked for most, so many; with --region, in that region', wholeNumber)
    .option('--of-region <region>', 'whose favourites --top means, where its own edges are not to fetch them')
    .option('--region, --regions <region>', 'edges of a region alone', repeated)
    .option('--edge, --edges <id>', 'an edge alone', repeated)
    .option('--rate <number>', 'what one edge fetches at most, per second (default: 100)', wholeNumber)
    .option('--dry-run', 'only tell how much of it each edge has')
    .option('--idempotency-key <text>', 'asked for again with it, it is the same warming')
    .option('--no-wait', 'only request it')
    .option('--timeout <seconds>', 'how long to wait', wholeNumber, 600)
    .option('--reason <text>', 'why, for the record')
    .action((urls: string[], options: CommonOptions & WarmOptions) => warm(contextOf(options), urls, options));
}
