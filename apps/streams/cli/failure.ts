import type { Command, CommanderError } from 'commander';
import { hasCode, OperatingError } from '#kernel';
import { ApiFailure, type FieldFailure } from '../client/api-client.ts';
import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';

/** What a command says with --json when it fails, on standard error. */
export interface FailureDocument {
  readonly error: {
    /** For machines: that of the gateway's problem document (`stream-not-found`), or `usage`, `unreachable`, `forbidden`, `failed`. */
    readonly code: string;
    readonly message: string;
    readonly exitCode: number;
    /** Of the gateway's answer. */
    readonly status?: number;
    readonly errors?: readonly FieldFailure[];
  };
}

const codes: Readonly<Record<number, string>> = {
  [exitCodes.usage]: 'usage',
  [exitCodes.unreachable]: 'unreachable',
  [exitCodes.forbidden]: 'forbidden',
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof PlainFailure) return error.exitCode;
  return hasCode(error, 'SETTING_INVALID') || hasCode(error, 'BUNDLE_INVALID') ? exitCodes.usage : exitCodes.failed;
}

export function failureDocument(error: unknown): FailureDocument {
  const exitCode = exitCodeOf(error);
  const known = { message: messageOf(error), exitCode };
  if (error instanceof ApiFailure) return { error: { code: error.code, ...known, status: error.status, errors: error.errors } };
  return { error: { code: codes[exitCode] ?? 'failed', ...known } };
}

/** For people: one sentence, or what a broken invariant left on the stack. */
export function failureText(error: unknown): string {
  const isPlain = error instanceof PlainFailure || error instanceof OperatingError;
  return isPlain ? messageOf(error) : ((error as Error).stack ?? messageOf(error));
}

/** Wrong usage, of which Commander has told people already; with --json it was kept silent. */
export function usageDocument(error: CommanderError): FailureDocument {
  // Every command takes --json: it is unknown where there is no command.
  const isBare = error.code === 'commander.help' || error.message.endsWith("unknown option '--json'");
  const message = isBare ? 'A command is missing; --help lists them.' : error.message.replace(/^error: /, '');
  return { error: { code: 'usage', message, exitCode: exitCodes.usage } };
}

/** What there is for somebody who named a command that does not exist: in its group, where there is one. */
export function verbsFor(program: Command, args: readonly string[]): string {
  const group = program.commands.find((one) => one.name() === args[0] && one.commands.length > 0);
  const names = (group ?? program).commands.map((one) => one.name());
  return `There ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}.`;
}
