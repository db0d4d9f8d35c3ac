import type { KillRunReport } from './kill-run.ts';
import { type Platform, until } from './platform.ts';

interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What was promised and not kept; all lists are empty when all is well. */
export interface Verdict {
  /** Acknowledged commands that the log does not hold. */
  readonly lost: readonly string[];
  /** Events that the log holds twice, by id or by what they say. */
  readonly doubled: readonly string[];
  /** Holes and repeats in the media sequence of a rendition, and renditions that disagree. */
  readonly brokenSequences: readonly string[];
  /** Where the read models say something else than the log. */
  readonly readModelErrors: readonly string[];
  readonly segments: number;
}

/** All events of a type, oldest first, through the public API. */
export async function eventsOf(platform: Platform, query: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: LoggedEvent[]; nextCursor: string | null } = await platform.api(
      'GET',
      `/api/v1/events?${query}&order=oldest&limit=1000${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    events.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return events;
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.size === seen.add(value).size);
}

/** Holds what a kill run was told against the log, and the read models against the log. The stream is stopped first. */
export async function judge(platform: Platform, run: KillRunReport): Promise<Verdict> {
  await platform.api('POST', '/api/v1/stream/stop', { id: run.streamId });
  const recording = await until(
    () => endedPlaylist(platform, run.streamId, '240p'),
    30_000,
    () => 'The stopped stream did not become a recording.',
  );
  const purges = await eventsOf(platform, 'type=purge.requested');
  const segments = await eventsOf(platform, `type=segment.produced&key=${run.streamId}`);
  const purgeIds = purges.map((event) => String(event.data['purgeId']));
  const known = new Set(purgeIds);
  const applied = await eventsOf(platform, 'type=purge.applied');
  const names = [...new Set(segments.map((event) => String(event.data['rendition'])))];
  const sequences = new Map(names.map((name) => [name, segments.filter((event) => event.data['rendition'] === name)]));
  return {
    lost: run.acknowledged.filter((id) => !known.has(id)),
    doubled: [
      ...repeated([...purges, ...segments, ...applied].map((event) => event.id)),
      ...repeated(purgeIds),
      ...repeated(segments.map((event) => `${String(event.data['rendition'])} #${String(event.data['mediaSequence'])}`)),
    ],
    brokenSequences: names.flatMap((name) => breaksOf(name, sequences.get(name) ?? [])).concat(disagreements(sequences)),
    readModelErrors: [...playlistErrors(recording, sequences.get('240p') ?? []), ...(await purgeErrors(platform, run.acknowledged))],
    segments: segments.length,
  };
}

async function endedPlaylist(platform: Platform, streamId: string, rendition: string): Promise<string | undefined> {
  const text = await (await fetch(`${platform.gatewayUrl}/live/${streamId}/${rendition}.m3u8`)).text();
  return text.includes('#EXT-X-ENDLIST') ? text : undefined;
}

/**
 * Every media sequence is there once, in the order of the log. A number of which a packager that was killed had shown parts is
 * left out where it cannot be made again, in all renditions, with a discontinuity behind it (docs/adr/0028).
 */
function breaksOf(name: string, segments: readonly LoggedEvent[]): string[] {
  const breaks: string[] = [];
  let next = 0;
  for (const { data } of segments) {
    const number = Number(data['mediaSequence']);
    const isAbandoned = number === next + 1 && data['discontinuity'] === true;
    if (number !== next && !isAbandoned) breaks.push(`${name}: ${number} where ${next} belongs`);
    next = number + 1;
  }
  return breaks.slice(0, 5);
}

function disagreements(sequences: ReadonlyMap<string, readonly LoggedEvent[]>): string[] {
  const lengths = [...sequences].map(([name, segments]) => `${name}: ${segments.length}`);
  return new Set([...sequences.values()].map((segments) => segments.length)).size > 1 ? [lengths.join(', ')] : [];
}

/** The recording names exactly the logged segments, in order; what it says is a gap is none. */
function playlistErrors(recording: string, segments: readonly LoggedEvent[]): string[] {
  // An entry ends with its address; what is said of it stands before.
  const entries = recording.split(/(?<=\.m4s)$/m).filter((entry) => !entry.includes('#EXT-X-GAP'));
  const listed = entries.flatMap((entry) => /media\/(\w+)\.m4s/.exec(entry)?.[1] ?? []);
  const logged = segments.map((event) => event.data['cid']);
  return JSON.stringify(listed) === JSON.stringify(logged) ? [] : [`the playlist lists ${listed.length} segments, the log ${logged.length}`];
}

/** Each acknowledged purge is in the read model, with one application of the one edge. */
async function purgeErrors(platform: Platform, ids: readonly string[]): Promise<string[]> {
  const errors: string[] = [];
  for (const id of ids) {
    const applied = await until(
      () => applicationsOf(platform, id),
      15_000,
      () => `The purge ${id} is not in the read model as applied.`,
    ).catch((error: unknown) => String(error));
    if (typeof applied === 'string') errors.push(applied);
    else if (applied.length !== 1) errors.push(`purge ${id}: ${applied.length} applications`);
  }
  return errors;
}

async function applicationsOf(platform: Platform, id: string): Promise<readonly object[] | undefined> {
  const { applied } = await platform.api<{ applied: readonly object[] }>('GET', `/api/v1/cdn/purges/${id}`);
  return applied.length > 0 ? applied : undefined;
}
