import type { ReloadQuery } from '#core/hls';
import { dvrWindowMsMax } from '#domain/stream';
import { badRequest } from '../http/problem.errors.ts';
import { asOfQuery } from '../public-urls.ts';
import type { StreamPart } from './stream-window.ts';

/** What a request asks of the past of a manifest. */
export interface PastQuery {
  readonly asOf: string;
  /** `live`: what players were shown at that moment, whole segments alone; else everything up to it, closed, so that it plays. */
  readonly window: 'live' | 'whole';
}

/** What a request asks of a manifest. */
export interface PlaylistQuery {
  /** Undefined for the manifest as it is now. */
  readonly past: PastQuery | undefined;
  /** Where players are to begin, seconds from the beginning or, below zero, from the end. */
  readonly startSec: number | undefined;
  /** These segments alone, as a clip has them. */
  readonly part: StreamPart | undefined;
  /** The client asks for a delta update (RFC 8216bis section 6.2.5.1). */
  readonly skip: boolean;
  /** What the client asks to wait for (section 6.2.5.2). */
  readonly reload: ReloadQuery | undefined;
  /** The client names a part and no segment: a Bad Request, unless the playlist has ended. */
  readonly isPartAlone: boolean;
}

const windows: readonly unknown[] = ['live', 'whole'];
const startSecMax = dvrWindowMsMax / 1000;

/** @throws ProblemError 400 naming the field */
export function playlistQueryOf(query: Readonly<Record<string, unknown>>): PlaylistQuery {
  const skip = query['_HLS_skip'];
  // Section 6.2.5: what a server does not know of it ignores. Version 2 also leaves out date ranges, of which there are none.
  const mediaSequence = directiveOf(query, '_HLS_msn');
  const part = directiveOf(query, '_HLS_part');
  return {
    past: pastOf(query),
    startSec: startOf(query['start']),
    part: partOf(query['segments']),
    skip: skip === 'YES' || skip === 'v2',
    reload: mediaSequence === undefined ? undefined : { mediaSequence, part },
    isPartAlone: mediaSequence === undefined && part !== undefined,
  };
}

/** Section 4.2: a decimal integer. */
function directiveOf(query: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) throw fieldProblem(name, 'Expected one whole number.');
  return Number(value);
}

function pastOf({ asOf, window }: Readonly<Record<string, unknown>>): PastQuery | undefined {
  if (asOf === undefined && window === undefined) return undefined;
  if (typeof asOf !== 'string' || asOf === '' || asOf.length > 4096)
    throw fieldProblem('asOf', 'Expected one time, such as 2026-11-26T14:05:00Z, or one token.');
  if (window !== undefined && !windows.includes(window)) throw fieldProblem('window', 'Expected "live" or "whole".');
  return { asOf, window: window === 'live' ? 'live' : 'whole' };
}

function startOf(start: unknown): number | undefined {
  if (start === undefined) return undefined;
  const seconds = typeof start === 'string' && /^-?\d{1,5}$/.test(start) ? Number(start) : Number.NaN;
  if (!(Math.abs(seconds) <= startSecMax))
    throw fieldProblem('start', `Expected whole seconds from the beginning, or below zero from the end, ${startSecMax} at most.`);
  return seconds;
}

function partOf(segments: unknown): StreamPart | undefined {
  if (segments === undefined) return undefined;
  const [, first, last] = typeof segments === 'string' ? (/^(\d{1,9})-(\d{1,9})$/.exec(segments) ?? []) : [];
  if (first === undefined || last === undefined || Number(last) < Number(first))
    throw fieldProblem('segments', 'Expected the numbers of a first and a last segment, such as 9-24.');
  return { first: Number(first), last: Number(last) };
}

/** A field of the query that cannot be read. */
export function fieldProblem(name: string, message: string): Error {
  return badRequest('invalid-request', `query.${name}: ${message}`, [{ field: `query.${name}`, message }]);
}

/** The query that a multivariant playlist hands on to its media playlists. */
export function handedOn({ past, startSec, part }: Pick<PlaylistQuery, 'past' | 'startSec' | 'part'>, asOf: string | undefined): string {
  const parts = [
    ...(asOf === undefined ? [] : [asOfQuery(asOf).slice(1)]),
    ...(past?.window === 'live' ? ['window=live'] : []),
    ...(startSec === undefined ? [] : [`start=${startSec}`]),
    ...(part === undefined ? [] : [`segments=${part.first}-${part.last}`]),
  ];
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
