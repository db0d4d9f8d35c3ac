import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { group, personName, remote } from './program-parts.ts';
import { eraseSubject, exportSubject, giveUpMaster, rotateMaster, showKeys, type SubjectOptions } from './subject.commands.ts';

export function addSubjects(program: Command): void {
  const subject = group(program, 'subject', 'tell and erase what is stored of a person');
  remote(subject, 'erase', 'make the personal data of viewer:ID or address:ADDRESS unreadable for good')
    .argument('<subject>', 'of whom', personName)
    .requiredOption('--reason <text>', 'why, for the record; do not say who it was')
    .option('--tenant <id>', 'only what this tenant has (default: yours; all, if you see all)')
    .action((name: string, options: CommonOptions & SubjectOptions) => eraseSubject(contextOf(options), name, options));
  remote(subject, 'export', 'write everything that is stored of viewer:ID or address:ADDRESS, as JSON')
    .argument('<subject>', 'of whom', personName)
    .requiredOption('--reason <text>', 'why, for the record; do not say who it is')
    .option('--tenant <id>', 'only what this tenant has')
    .option('--out <file>', 'into a file that only you can read')
    .action((name: string, options: CommonOptions & SubjectOptions & { out?: string }) => exportSubject(contextOf(options), name, options));
  remote(subject, 'keys', 'count the keys of personal data, and say which master key wraps them').action((options: CommonOptions) =>
    showKeys(contextOf(options)),
  );
  remote(subject, 'rotate-master', 'put all keys of personal data under a new master key, and destroy the one before')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((options: CommonOptions & { reason: string }) => rotateMaster(contextOf(options), options.reason));
  remote(subject, 'give-up <master-key>', 'destroy all keys that a lost master key wraps: what they encrypted is erased for good')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((masterKey: string, options: CommonOptions & { reason: string }) => giveUpMaster(contextOf(options), masterKey, options.reason));
}
