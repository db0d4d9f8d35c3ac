import type { Command } from 'commander';
import { contextOf, type CommandContext, type CommonOptions } from './context.ts';
import { remote } from './program-parts.ts';

const path = '/api/v1/cdn/purge-policy';

const meanings: Readonly<Record<string, string>> = {
  serve: 'serve what they have by its own lifetime, marked purges-unknown in Cache-Status',
  revalidate: 'ask the origin about what they have each time',
  refuse: 'answer 503',
  default: 'do what each of them is set to (EDGE_IN_DOUBT)',
};

interface PolicyOptions {
  readonly reason?: string;
}

async function purgePolicy({ api, print }: CommandContext, policy: string | undefined, { reason }: PolicyOptions): Promise<void> {
  const body = { policy, ...(reason === undefined ? {} : { reason }) };
  const told = policy === undefined ? await api.call<{ policy: string }>('GET', path) : await api.call<{ policy: string }>('PUT', path, body);
  print(told, () => [`${told.policy}: while edges cannot know what was purged, they ${meanings[told.policy] ?? told.policy}.`]);
}

/** `streams purge-policy [policy]` */
export function addPurgePolicy(program: Command): void {
  remote(program, 'purge-policy [policy]', 'show or say what edges do while they cannot know what was purged: serve, revalidate, refuse or default')
    .option('--reason <text>', 'why, for the record')
    .action((policy: string | undefined, options: CommonOptions & PolicyOptions) => purgePolicy(contextOf(options), policy, options));
}
