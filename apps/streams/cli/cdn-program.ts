import { Option, type Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { addFleet } from './fleet-program.ts';
import { group, moment, remote, wholeNumber } from './program-parts.ts';
import { addWarm } from './warm-program.ts';
import { showPrefetch } from './prefetch.command.ts';
import { showObjects, showTraffic, type TrafficOptions } from './traffic.commands.ts';

/** `streams cdn …` */
export function addCdn(program: Command): void {
  const cdn = group(program, 'cdn', 'see edges and what they answer and keep, and take them out of service and back');
  addFleet(cdn);
  const about = (name: string, description: string): Command =>
    remote(cdn, name, description)
      .option('--from <time>', 'RFC 3339; an hour ago when left out', moment)
      .option('--until <time>', 'RFC 3339; now when left out', moment)
      .option('--zone <name>', 'only this zone; "platform" for the media of the platform')
      .option('--edge <id>', 'only this edge')
      .option('--region <name>', 'only edges of this region');
  about('traffic', 'requests, bytes, hit ratio, errors and latency')
    .addOption(new Option('--by <what>', 'one line for each').choices(['zone', 'edge', 'region', 'status']).default('zone'))
    .action((options: CommonOptions & TrafficOptions & { by: string }) => showTraffic(contextOf(options), options.by, options));
  about('objects', 'what is asked for most')
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .action((options: CommonOptions & TrafficOptions & { limit: number }) => showObjects(contextOf(options), options.limit, options));
  remote(cdn, 'prefetch', 'what edges foresee of each zone, and how well').action((options: CommonOptions) => showPrefetch(contextOf(options)));
  addWarm(cdn);
}
