import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { listProfiles, removeProfile, setProfile, showProfile, type SetProfileOptions } from './profile.commands.ts';
import { group, remote, rungs, wholeNumber } from './program-parts.ts';

/** `streams profile …` */
export function addProfiles(program: Command): void {
  const profile = group(program, 'profile', 'keep encoder settings under names');
  remote(profile, 'set <name>', 'keep settings under a name; "default" is for streams that ask for none')
    .requiredOption('--rung <name:height:bitrate[:hevc]>', 'a rung of the ladder; repeat for more', rungs)
    .option('--audio <bits>', 'bits per second of the sound', wholeNumber)
    .option('--segment <seconds>', 'length of a segment', wholeNumber)
    .option('--description <text>', 'for people')
    .option('--reason <text>', 'why, for the record')
    .action((name: string, options: CommonOptions & SetProfileOptions) => setProfile(contextOf(options), name, options));
  remote(profile, 'list', 'list encoding profiles').action((options: CommonOptions) => listProfiles(contextOf(options)));
  remote(profile, 'show <name>', 'show an encoding profile').action((name: string, options: CommonOptions) => showProfile(contextOf(options), name));
  remote(profile, 'remove <name>', 'remove an encoding profile')
    .option('--reason <text>', 'why, for the record')
    .action((name: string, options: CommonOptions & { reason?: string }) => removeProfile(contextOf(options), name, options.reason));
}
