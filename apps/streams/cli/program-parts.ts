import { InvalidArgumentError, type Command } from 'commander';
import { nodeLedgerHash } from '#adapters/ledger';
import { parseVerifierKey } from '#core/ledger';
import { messageOf } from '../streams.errors.ts';
import type { StartOptions } from './stream.commands.ts';

export const scopes = ['admin', 'operate', 'publish', 'view', 'edge'] as const;

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Words between commas, behind those of the option's earlier places. */
export function words(text: string, before: readonly string[] = []): readonly string[] {
  return [...new Set([...before, ...text.split(',').map((word) => word.trim())])];
}

export function scopeList(text: string, before: readonly string[] = []): readonly string[] {
  const wanted = words(text, before);
  const unknown = wanted.find((word) => !scopes.some((scope) => scope === word));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no scope "${unknown}": they are ${scopes.join(', ')}.`);
  return wanted;
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

/** Verifier keys of the audit ledger, behind those of the option's earlier places. */
export function verifierKeys(text: string, before: readonly string[] = []): readonly string[] {
  try {
    parseVerifierKey(text, nodeLedgerHash);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return [...before, text];
}

/** An event by its id, or a record by its place: `stream/3/1041`. */
export function eventOrPlace(text: string): string {
  if (!/^([A-Za-z0-9][A-Za-z0-9_.:-]{0,127}|[a-z]+\/\d+\/\d+)$/.test(text))
    throw new InvalidArgumentError('It must be the id of an event, or a place such as stream/3/1041.');
  return text;
}

/** Whom personal data tells of. */
export function personName(text: string): string {
  if (!/^[a-z]+:.+$/.test(text)) throw new InvalidArgumentError('It must be a kind and a name, such as viewer:v-4711 or address:192.0.2.7.');
  return text;
}

/** RFC 3339 in any zone; the API takes UTC. */
export function moment(text: string): string {
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time such as 2026-11-26T14:05:00Z.');
  return new Date(ms).toISOString();
}

/** A time as above, or the token of a live reader as it is. */
export function timeOrToken(text: string): string {
  return /^\d{4}-/.test(text) ? moment(text) : text;
}

/** Shows what there was at a moment. */
export function asOf(command: Command): Command {
  return command.option('--as-of <time>', 'as it stood then: a time such as 2026-11-26T14:05:00Z, or the token of a live reader', timeOrToken);
}

/** `1:de` or `1:de:Kommentar`, what one of the publisher's tracks of sound is. */
export function sounds(text: string, before: StartOptions['sounds'] = []): NonNullable<StartOptions['sounds']> {
  const [, track, language, label] = /^([0-7]):([A-Za-z][A-Za-z0-9-]*)?(?::(.+))?$/.exec(text) ?? [];
  if (track === undefined || (language === undefined && label === undefined))
    throw new InvalidArgumentError('A sound is TRACK:LANGUAGE, such as 1:de, with :LABEL behind it for what listeners choose it by.');
  return [...before, { track: Number(track), ...(language !== undefined && { language }), ...(label !== undefined && { label }) }];
}

/** `1080p:1080:4500000` or `1080p:1080:2500000:hevc`, one rung of a ladder. */
export function rungs(text: string, before: StartOptions['ladder'] = []): NonNullable<StartOptions['ladder']> {
  const match = /^([a-z0-9-]{1,32}):(\d+):(\d+)(?::(h264|hevc))?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A rung is NAME:HEIGHT:BITS-PER-SECOND, such as 720p:720:2800000, with :hevc behind it for H.265.');
  const codec = match[4] === 'hevc' ? { codec: 'hevc' as const } : {};
  return [...before, { name: match[1] as string, height: Number(match[2]), videoBitrate: Number(match[3]), ...codec }];
}
