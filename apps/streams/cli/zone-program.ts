import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { group, remote, wholeNumber } from './program-parts.ts';
import { listZones, removeZone, renewZoneHook, rollBackZone, setZone, showZone, zoneVersions, type ChangeZoneOptions } from './zone.commands.ts';

type Changing = CommonOptions & ChangeZoneOptions;

/** `streams zone …` */
export function addZones(program: Command): void {
  const zone = group(program, 'zone', 'put sites behind the edges');
  const changing = (name: string, description: string): Command =>
    remote(zone, name, description)
      .option('--reason <text>', 'why, for the record')
      .option('--expect <version>', 'change this version only, and nothing that came after it', wholeNumber);
  changing('set <name> <file>', 'serve the hosts of a zone as a JSON file says ("-" for standard input)').action(
    (name: string, file: string, options: Changing) => setZone(contextOf(options), name, file, options),
  );
  remote(zone, 'list', 'list zones').action((options: CommonOptions) => listZones(contextOf(options)));
  remote(zone, 'show <name>', 'show a zone').action((name: string, options: CommonOptions) => showZone(contextOf(options), name));
  remote(zone, 'versions <name>', 'list the versions of a zone').action((name: string, options: CommonOptions) => zoneVersions(contextOf(options), name));
  changing('rollback <name> <version>', 'serve a zone as an earlier version said').action((name: string, version: string, options: Changing) =>
    rollBackZone(contextOf(options), name, wholeNumber(version), options),
  );
  remote(zone, 'hook <name>', 'give a zone a secret with which its origins say what changed').action((name: string, options: CommonOptions) =>
    renewZoneHook(contextOf(options), name),
  );
  changing('remove <name>', 'take a zone from the edges').action((name: string, options: Changing) => removeZone(contextOf(options), name, options));
}
