import { InvalidArgumentError, type Command } from 'commander';

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A word that others follow; who gets one of them wrong is pointed to its help. */
export function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).showHelpAfterError(`(streams ${name} --help tells more)`);
}

/** A command that talks to a gateway. */
export function remote(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--json', 'print JSON')
    .option('--url <url>', 'address of the gateway (default: STREAMS_URL, or this machine)')
    .option('--key <key>', "API key (default: STREAMS_KEY, or this machine's admin key)");
}
