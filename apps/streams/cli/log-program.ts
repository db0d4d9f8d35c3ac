import { InvalidArgumentError, type Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { logStatus, sealLog, type SealOptions } from './log.commands.ts';
import { group, remote } from './program-parts.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30d`, `12h`, `90m`, `10s`, in ms. */
export function age(text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It must be an age such as 30d, 12h or 90m.');
  return Number(match[1]) * (unitMs[match[2] as string] as number);
}

/** `streams log …` */
export function addLog(program: Command): void {
  const log = group(program, 'log', 'see what of the log lies where, and move its past to the blob store');
  remote(log, 'status', 'show what each partition holds in the engine and in sealed segments')
    .option('--topic <topic>', 'only of this one')
    .option('--all', 'also partitions that hold nothing')
    .action((options: CommonOptions & { topic?: string; all?: boolean }) => logStatus(contextOf(options), options));
  remote(log, 'seal', 'move what is older to the blob store now, and wait until it is there')
    .requiredOption('--older-than <age>', 'such as 30d, 12h or 90m', age)
    .option('--reason <text>', 'why, for the record')
    .option('--dry-run', 'only say how much that is', false)
    .option('--no-wait', 'only request it')
    .action((options: CommonOptions & SealOptions) => sealLog(contextOf(options), options));
}
