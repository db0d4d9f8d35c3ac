import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { remote, wholeNumber } from './program-parts.ts';
import { searchEvents, showEvent, showTree, type SearchOptions } from './review.commands.ts';

/** `streams events search|show|tree`. */
export function addReview(events: Command): void {
  remote(events, 'search', 'find events by what they are and by an expression over their data, the newest first')
    .option('--context <names>', 'only of these contexts, separated by commas')
    .option('--type <types>', 'only of these types, separated by commas')
    .option('--subject <subject>', 'only about this subject and what is under it')
    .option('--tenant <id>', 'only what belongs to this tenant')
    .option('--actor <actor>', 'only what this one caused, such as key:k-3f9a2c')
    .option('--correlation <id>', 'only of this request or session')
    .option('--cause <id>', 'only what this event or command caused')
    .option('--since <time>', 'recorded at or after (RFC 3339)')
    .option('--until <time>', 'recorded before (RFC 3339)')
    .option('--where <expression>', "a filter in CEL over data and event, such as 'data.sizeBytes > 1000000'")
    .option('--limit <number>', 'how many', wholeNumber, 50)
    .option('--reveal <reason>', 'show what is personal; needs the scope admin, and is on record')
    .action((options: CommonOptions & SearchOptions) => searchEvents(contextOf(options), options));
  remote(events, 'show <id>', 'show one event: as it is stored, and as it is read today')
    .option('--reveal <reason>', 'show what is personal; needs the scope admin, and is on record')
    .action((id: string, options: CommonOptions & { reveal?: string }) => showEvent(contextOf(options), id, options));
  remote(events, 'tree <id>', 'show what led to an event and what came of it')
    .option('--nodes <number>', 'events at most', wholeNumber, 1000)
    .option('--depth <number>', 'steps at most, up and down', wholeNumber, 64)
    .action((id: string, options: CommonOptions & { nodes: number; depth: number }) => showTree(contextOf(options), id, options));
}
