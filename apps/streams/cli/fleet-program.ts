import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { decideEdge, listEdges, showEdge } from './fleet.commands.ts';
import { remote } from './program-parts.ts';

/** Of `streams cdn …`, what is about edges. */
export function addFleet(cdn: Command): void {
  remote(cdn, 'edges', 'list edges: how they are, and what they have to do').action((options: CommonOptions) => listEdges(contextOf(options)));
  remote(cdn, 'edge <id>', 'show an edge').action((id: string, options: CommonOptions) => showEdge(contextOf(options), id));
  const deciding = (verb: 'drain' | 'resume' | 'remove', description: string): void => {
    remote(cdn, `${verb} <id>`, description)
      .requiredOption('--reason <text>', 'why, for the record')
      .action((id: string, options: CommonOptions & { reason: string }) => decideEdge(contextOf(options), verb, id, options.reason));
  };
  deciding('drain', 'send no client to an edge any more; it serves those that come');
  deciding('resume', 'make a drained or removed edge one of ours again');
  deciding('remove', 'take an edge away: nobody is sent to it, and what it says of itself does not count');
}
