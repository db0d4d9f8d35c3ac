import { noFindings, PlaylistClient, type Findings } from './client.ts';
import { everySegment, newestPart, readPlaylist, type ReadPlaylist, type ReadSegment } from './playlist.ts';
import { renditionRules } from './rules.ts';

export interface WalkerInit {
  /** Of a multivariant playlist. */
  readonly url: string;
  /** How often plain clients ask, ms. */
  readonly pollMs?: number;
}

const probeEveryMs = 2000;
const pollMsDefault = 700;

/**
 * Reads every playlist of a live stream as clients do, blocking and not, with updates and without, fetches what they name, and
 * holds all of it to the rules of RFC 8216bis section 6.2 on every reload. Rules about time (6.2.1-M21 to M23) are measured, not judged.
 */
export class Walker {
  readonly findings: Findings = noFindings();
  /** Longest time between two new parts of a rendition, ms, and when it was. */
  longestPartGapMs = 0;
  readonly #init: WalkerInit;
  readonly #stop = new AbortController();
  readonly #followers: PlaylistClient[] = [];
  readonly #work: Promise<unknown>[] = [];
  readonly #fetched = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(init: WalkerInit) {
    this.#init = init;
  }

  /** Resolves when the multivariant playlist was read and the clients are on their way. */
  async start(): Promise<void> {
    const names = await this.#playlists();
    for (const name of names) {
      const url = new URL(name, this.#init.url).href;
      const init = { url, signal: this.#stop.signal, findings: this.findings };
      this.#work.push(new PlaylistClient(init).poll(this.#init.pollMs ?? pollMsDefault));
      if (name.includes('.iframes.')) continue;
      const follower = new PlaylistClient(init);
      let changedAt = performance.now();
      follower.onChange = (before, after) => {
        if (newestOf(after) !== newestOf(before)) {
          if (before !== undefined) this.longestPartGapMs = Math.max(this.longestPartGapMs, performance.now() - changedAt);
          changedAt = performance.now();
        }
        this.#look(url, before, after);
      };
      this.#followers.push(follower);
      this.#work.push(follower.follow());
      this.#work.push(this.#probe(follower, url));
    }
  }

  /** The newest part of each rendition, as far as its follower has come. */
  get newest(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#followers.map(({ name, playlist }) => [name, newestOf(playlist)]));
  }

  /** What followers have now, by rendition. */
  get playlists(): ReadonlyMap<string, ReadPlaylist> {
    return new Map(this.#followers.flatMap(({ name, playlist }) => (playlist === undefined ? [] : [[name, playlist] as const])));
  }

  async stop(): Promise<Findings> {
    this.#stop.abort();
    await Promise.all(this.#work);
    await Promise.all(this.#fetched.values());
    return this.findings;
  }

  /** The stream has ended: 6.2.5.2-M5 on every playlist. */
  async judgeEnd(): Promise<void> {
    for (const { name } of this.#followers) {
      const response = await fetch(new URL(`${name}.m3u8?_HLS_msn=99999&_HLS_part=3&_HLS_skip=YES`, this.#init.url));
      const playlist = readPlaylist(await response.text());
      if (response.status !== 200 || !playlist.ended || playlist.skipped > 0)
        this.#note('6.2.5.2-M5', 'an end is not waited for, and has no updates', `${name}: ${response.status}`);
    }
  }

  #note(item: string, says: string, wrong: string): void {
    this.findings.violations.add(`${item} (${says}), ${wrong}`);
  }

  async #playlists(): Promise<readonly string[]> {
    for (;;) {
      const response = await fetch(this.#init.url);
      const text = await response.text();
      if (response.ok) return [...new Set([...text.matchAll(/^(?!#)(.+)$|URI="([^"]+)"/gm)].map((match) => match[1] ?? match[2] ?? ''))];
      if (this.#stop.signal.aborted) return [];
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  #look(url: string, before: ReadPlaylist | undefined, after: ReadPlaylist): void {
    for (const other of this.playlists.values())
      if (other !== after)
        for (const { item, says, check } of renditionRules) {
          const wrong = check(after, other);
          if (wrong !== undefined) this.#note(item, says, wrong);
        }
    // What is new since it was looked at last; at first that is the newest.
    const from = before === undefined ? (after.segments.at(-1)?.mediaSequence ?? 0) : (before.open ?? before.segments.at(-1))?.mediaSequence;
    for (const segment of everySegment(after).filter(({ mediaSequence }) => mediaSequence >= (from ?? 0))) this.#fetchSegment(url, segment);
    for (const hint of after.hints) void this.#hinted(new URL(hint, url).href);
  }

  #fetchSegment(url: string, segment: ReadSegment): void {
    const parts = segment.parts.map((part) => ({ ...part, href: new URL(part.uri, url).href }));
    for (const { href, gap } of parts) if (!gap) void this.#available(href, '6.2.1-M7', 'a part can be had when it is listed');
    if (segment.uri === undefined || segment.gap) return;
    const href = new URL(segment.uri, url).href;
    const whole = this.#available(href, '6.2.1-M6', 'a segment can be had when it is listed');
    if (parts.length === 0 || parts.some(({ gap }) => gap)) return;
    const check = Promise.all([whole, ...parts.map((part) => this.#fetched.get(part.href))]).then(([bytes, ...pieces]) => {
      if (bytes === undefined || pieces.some((piece) => piece === undefined)) return undefined;
      this.findings.segments += 1;
      if (!Buffer.concat(pieces as Uint8Array[]).equals(bytes)) this.#note('3-parts', 'the parts of a segment are its bytes', href);
      return undefined;
    });
    void this.#keep(`${href} whole`, check);
  }

  /** Fetches once; what cannot be had although it is listed breaks a rule. */
  #available(href: string, item: string, says: string): Promise<Uint8Array | undefined> {
    const known = this.#fetched.get(href);
    if (known !== undefined) return known;
    if (item === '6.2.1-M7') this.findings.parts += 1;
    return this.#keep(
      href,
      this.#get(href).then(({ status, bytes }) => {
        if (status !== 200 && status !== 0) this.#note(item, says, `${href}: ${status}`);
        return bytes;
      }),
    );
  }

  /** 6.2.6: held until it is there; or not found, when it is never published. */
  async #hinted(href: string): Promise<void> {
    if (this.#fetched.has(`hint ${href}`)) return;
    const asked = this.#get(href).then(({ status, bytes }) => {
      if (![200, 404, 503, 0].includes(status)) this.#note('6.2.6-M1', 'what is hinted can be asked for', `${href}: ${status}`);
      return bytes;
    });
    const bytes = await this.#keep(`hint ${href}`, asked);
    const listed = await this.#fetched.get(href);
    if (bytes !== undefined && listed !== undefined && !Buffer.from(bytes).equals(listed)) this.#note('6.2.6-M2', 'a hinted part comes whole', href);
  }

  #keep(key: string, work: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    this.#fetched.set(key, work);
    // Ten minutes of parts are not kept in memory.
    void work.then(() => setTimeout(() => this.#fetched.set(key, Promise.resolve(undefined)), 20_000).unref());
    return work;
  }

  async #get(href: string): Promise<{ readonly status: number; readonly bytes: Uint8Array | undefined }> {
    try {
      const response = await fetch(href, { signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(60_000)]) });
      const bytes = new Uint8Array(await response.arrayBuffer());
      // An edge whose origin is away says nothing about the origin's playlists.
      if (response.status === 502 || response.status === 504) return { status: 0, bytes: undefined };
      return { status: response.status, bytes: response.status === 200 ? bytes : undefined };
    } catch {
      return { status: 0, bytes: undefined };
    }
  }

  /** Asks now and then for what clients ask seldom. */
  async #probe(follower: PlaylistClient, url: string): Promise<void> {
    const removed: Array<{ readonly href: string; readonly untilMs: number }> = [];
    let listed = new Map<number, readonly string[]>();
    while (!this.#stop.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
      const { playlist } = follower;
      if (playlist === undefined || playlist.ended || playlist.partTargetSec === undefined || this.#stop.signal.aborted) continue;
      await this.#probeQueries(url, playlist);
      const now = new Map(
        everySegment(playlist).map(({ mediaSequence, parts }) => [mediaSequence, parts.filter(({ gap }) => !gap).map(({ uri }) => new URL(uri, url).href)]),
      );
      for (const [mediaSequence, hrefs] of listed)
        if (hrefs.length > 0 && (now.get(mediaSequence)?.length ?? 0) === 0)
          // Between two looks the tag may be gone for as long as the time between them.
          removed.push({ href: hrefs[0] as string, untilMs: performance.now() + (3 * playlist.targetDurationSec - 1) * 1000 - probeEveryMs });
      listed = now;
      while (removed[0] !== undefined && removed[0].untilMs <= performance.now()) {
        const { href } = removed.shift() as (typeof removed)[number];
        const { status } = await this.#get(`${href}?late`);
        if (status !== 200 && status !== 0) this.#note('6.2.2-M4', 'a part can be had for three target durations after it was listed', `${href}: ${status}`);
      }
    }
  }

  async #probeQueries(url: string, playlist: ReadPlaylist): Promise<void> {
    const last = everySegment(playlist).at(-1)?.mediaSequence ?? 0;
    const alone = await this.#get(`${url}?_HLS_part=0`);
    if (![400, 0].includes(alone.status) && !hasEnded(alone.bytes))
      this.#note('6.2.5.2-M6', 'a part without its segment is a bad request', `${url}: ${alone.status}`);
    const far = await this.#get(`${url}?_HLS_msn=${last + 30}`);
    if (![400, 0].includes(far.status) && !hasEnded(far.bytes)) this.#note('6.2.5.2-S1', 'what is too far ahead is a bad request', `${url}: ${far.status}`);
    const past = await this.#get(`${url}?_HLS_msn=0&_HLS_part=0`);
    const given = past.bytes === undefined ? undefined : readPlaylist(new TextDecoder().decode(past.bytes));
    if (given === undefined ? past.status !== 0 : given.skipped > 0 || given.segments.length === 0)
      this.#note('6.2.5.2-M4', 'the past is answered with the whole playlist', `${url}: ${past.status}`);
  }
}

/** The stream may have ended since it was looked at. */
function hasEnded(bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && readPlaylist(new TextDecoder().decode(bytes)).ended;
}

function newestOf(playlist: ReadPlaylist | undefined): string {
  if (playlist === undefined) return '';
  const part = newestPart(playlist);
  return part === undefined ? `${playlist.segments.at(-1)?.mediaSequence ?? -1}` : `${part.mediaSequence}.${part.part}`;
}
