import { everySegment, joinUpdate, newestPart, readPlaylist, type ReadPlaylist } from './playlist.ts';
import { playlistRules, reloadRules } from './rules.ts';

/** What a walk found, and how much it saw. */
export interface Findings {
  /** `item (what it says): what is wrong`, each once. */
  readonly violations: Set<string>;
  reloads: number;
  blocked: number;
  updates: number;
  parts: number;
  segments: number;
  unavailable: number;
}

export const noFindings = (): Findings => ({ violations: new Set(), reloads: 0, blocked: 0, updates: 0, parts: 0, segments: 0, unavailable: 0 });

/** Holds a playlist, and what became of it since a client had it, to the rules. */
export function judge(findings: Findings, before: ReadPlaylist | undefined, after: ReadPlaylist, where: string): void {
  const note = (item: string, says: string, wrong: string | undefined): void => {
    if (wrong !== undefined) findings.violations.add(`${item} (${says}), ${where}: ${wrong}`);
  };
  for (const { item, says, check } of playlistRules) note(item, says, check(after));
  if (before !== undefined) for (const { item, says, check } of reloadRules) note(item, says, check(before, after));
}

export interface PlaylistClientInit {
  /** Of a media playlist. */
  readonly url: string;
  readonly signal: AbortSignal;
  readonly findings: Findings;
}

const waitMsMax = 60_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A client of one media playlist, that judges whatever it is given. */
export class PlaylistClient {
  readonly #init: PlaylistClientInit;
  readonly name: string;
  /** What it has now. */
  playlist: ReadPlaylist | undefined;
  /** An update left out what it never had: the next time it asks for the whole. */
  #missesSome = false;
  /** Changes of the playlist, as they come. */
  onChange: (before: ReadPlaylist | undefined, after: ReadPlaylist) => void = () => undefined;

  constructor(init: PlaylistClientInit) {
    this.#init = init;
    this.name = /([^/]+)\.m3u8/.exec(init.url)?.[1] ?? init.url;
  }

  /** Asks every `periodMs`, as clients do that know nothing of low latency. */
  async poll(periodMs: number): Promise<void> {
    for (; !this.#over; await pause(periodMs)) await this.#reload('');
  }

  /** Asks for what comes next, and waits for it; every second time for what is new alone. */
  async follow(): Promise<void> {
    for (let round = 0; !this.#over; round++) {
      const { playlist } = this;
      if (playlist?.serverControl['CAN-BLOCK-RELOAD'] !== 'YES') {
        await this.#reload('');
        if (this.playlist === undefined) await pause(100);
        else if (this.playlist.serverControl['CAN-BLOCK-RELOAD'] !== 'YES') await pause(500);
        continue;
      }
      const next = nextOf(playlist);
      const status = await this.#reload(
        `_HLS_msn=${next.mediaSequence}&_HLS_part=${next.part}${round % 2 === 1 && this.mayUpdate ? '&_HLS_skip=YES' : ''}`,
        next,
      );
      if (status !== 200) await pause(200);
    }
  }

  /** Whether it may ask for what is new alone. */
  get mayUpdate(): boolean {
    return !this.#missesSome;
  }

  get #over(): boolean {
    return this.#init.signal.aborted || this.playlist?.ended === true;
  }

  #note(item: string, says: string, wrong: string): void {
    this.#init.findings.violations.add(`${item} (${says}), ${this.name}: ${wrong}`);
  }

  async #reload(query: string, asked?: ReturnType<typeof nextOf>): Promise<number> {
    const { findings, url, signal } = this.#init;
    const response = await fetch(`${url}${query === '' ? '' : `?${query}`}`, { signal: AbortSignal.any([signal, AbortSignal.timeout(waitMsMax)]) }).catch(
      () => undefined,
    );
    const text = await response?.text().catch(() => undefined);
    if (response === undefined || text === undefined) return 0;
    findings.reloads += 1;
    if (asked !== undefined) findings.blocked += 1;
    if (response.status === 503) findings.unavailable += 1;
    // Before its first segment a stream has no playlist; while nobody publishes nothing comes; and 502 and 504 are an edge's whose origin is away.
    if (response.status !== 200) {
      if (![404, 502, 503, 504].includes(response.status))
        this.#note('6.2.5.2', 'what the playlist says comes next may be waited for', `${response.status} for ${query}`);
      return response.status;
    }
    this.take(readPlaylist(text), query, asked);
    return 200;
  }

  /** Judges an answer, and has it from then on. @param asked what was waited for */
  take(given: ReadPlaylist, query: string, asked: ReturnType<typeof nextOf> | undefined): void {
    const before = this.playlist;
    if (given.skipped > 0) this.#init.findings.updates += 1;
    if (given.skipped > 0 && !query.includes('_HLS_skip')) this.#note('6.2.5.1', 'segments are left out only for who asks so', query);
    if (given.skipped === 0 && query.includes('_HLS_skip') && mayBeSkipped(given)) this.#note('6.2.5.1-M1', 'who asks for an update gets one', query);
    if (given.skipped > 0 && before === undefined) return;
    const after = before === undefined ? given : joinUpdate(before, given);
    if (after === undefined) {
      this.#missesSome = true;
      return;
    }
    this.#missesSome = false;
    if (asked !== undefined && !after.ended && !has(after, asked))
      this.#note('6.2.5.2-M2', 'what was waited for is there', `${query}: ${JSON.stringify(newestPart(after))}`);
    judge(this.#init.findings, before, after, this.name);
    this.playlist = after;
    this.onChange(before, after);
  }
}

/** The next part that a client asks for (section 6.3.8). */
export function nextOf(playlist: ReadPlaylist): { readonly mediaSequence: number; readonly part: number } {
  const last = playlist.segments.at(-1)?.mediaSequence ?? playlist.mediaSequence - 1;
  if (playlist.open !== undefined) return { mediaSequence: playlist.open.mediaSequence, part: playlist.open.parts.length };
  return { mediaSequence: last + 1, part: 0 };
}

function has(playlist: ReadPlaylist, { mediaSequence, part }: ReturnType<typeof nextOf>): boolean {
  const all = everySegment(playlist);
  const newest = all.at(-1)?.mediaSequence ?? -1;
  if (newest > mediaSequence || (playlist.segments.at(-1)?.mediaSequence ?? -1) >= mediaSequence) return true;
  return (all.find((segment) => segment.mediaSequence === mediaSequence)?.parts.length ?? 0) > part;
}

/** There are segments whose end is further than the skip boundary from the end, by more than what gaps may weigh. */
function mayBeSkipped({ segments, serverControl, targetDurationSec, ended }: ReadPlaylist): boolean {
  const boundary = Number(serverControl['CAN-SKIP-UNTIL'] ?? Number.POSITIVE_INFINITY);
  const rest = segments.slice(2).reduce((sum, { durationSec }) => sum + durationSec, 0);
  return !ended && rest > boundary + targetDurationSec;
}
