/** A part as a client reads it. */
export interface ReadPart {
  readonly uri: string;
  readonly durationSec: number;
  readonly independent: boolean;
  readonly gap: boolean;
}

/** A segment as a client reads it; `uri` is undefined for one of which there are only parts. */
export interface ReadSegment {
  readonly mediaSequence: number;
  readonly discontinuityNumber: number;
  readonly uri: string | undefined;
  readonly durationSec: number;
  readonly gap: boolean;
  readonly discontinuity: boolean;
  readonly map: string | undefined;
  readonly programDateTimeMs: number | undefined;
  readonly parts: readonly ReadPart[];
}

/** A media playlist as a client reads it. */
export interface ReadPlaylist {
  readonly text: string;
  /** Tags that stand once, by name, with what is behind the colon. */
  readonly tags: ReadonlyMap<string, string>;
  readonly targetDurationSec: number;
  readonly mediaSequence: number;
  readonly serverControl: Readonly<Record<string, string>>;
  readonly partTargetSec: number | undefined;
  readonly skipped: number;
  readonly ended: boolean;
  readonly segments: readonly ReadSegment[];
  /** What there is of the segment that is being made. */
  readonly open: ReadSegment | undefined;
  readonly hints: readonly string[];
  readonly reports: readonly Readonly<Record<string, string>>[];
}

/** `A=1,B="x,y"` (section 4.2). */
export function attributesOf(list: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of list.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)) attributes[name] = quoted ?? plain ?? '';
  return attributes;
}

/** What stands before the next URI. */
interface Pending {
  durationSec: number;
  gap: boolean;
  discontinuity: boolean;
  programDateTimeMs: number | undefined;
  parts: ReadPart[];
}

const nothingPending = (): Pending => ({ durationSec: 0, gap: false, discontinuity: false, programDateTimeMs: undefined, parts: [] });

/** Reads a media playlist line by line; a delta update comes out with the segments that it lists, numbered as they are. */
export function readPlaylist(text: string): ReadPlaylist {
  const reader = new PlaylistReader();
  for (const line of text.split('\n').filter((one) => one !== '')) reader.line(line);
  return reader.done(text);
}

class PlaylistReader {
  readonly #tags = new Map<string, string>();
  readonly #segments: ReadSegment[] = [];
  readonly #hints: string[] = [];
  readonly #reports: Record<string, string>[] = [];
  #pending = nothingPending();
  #map: string | undefined;
  #discontinuities = 0;

  line(line: string): void {
    if (!line.startsWith('#')) return this.#uri(line);
    const colon = line.indexOf(':');
    const name = colon < 0 ? line.slice(1) : line.slice(1, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.#tag(name, value);
  }

  done(text: string): ReadPlaylist {
    const { parts, discontinuity } = this.#pending;
    const partTarget = attributesOf(this.#tags.get('EXT-X-PART-INF') ?? '')['PART-TARGET'];
    return {
      text,
      tags: this.#tags,
      targetDurationSec: this.#number('EXT-X-TARGETDURATION'),
      mediaSequence: this.#number('EXT-X-MEDIA-SEQUENCE'),
      serverControl: attributesOf(this.#tags.get('EXT-X-SERVER-CONTROL') ?? ''),
      partTargetSec: partTarget === undefined ? undefined : Number(partTarget),
      skipped: this.#skipped,
      ended: this.#tags.has('EXT-X-ENDLIST'),
      segments: this.#segments,
      open: parts.length > 0 || discontinuity ? this.#segment(undefined) : undefined,
      hints: this.#hints,
      reports: this.#reports,
    };
  }

  get #skipped(): number {
    return Number(attributesOf(this.#tags.get('EXT-X-SKIP') ?? '')['SKIPPED-SEGMENTS'] ?? 0);
  }

  #number(name: string): number {
    return Number(this.#tags.get(name) ?? Number.NaN);
  }

  #tag(name: string, value: string): void {
    const pending = this.#pending;
    switch (name) {
      case 'EXTINF':
        pending.durationSec = Number.parseFloat(value);
        break;
      case 'EXT-X-GAP':
        pending.gap = true;
        break;
      case 'EXT-X-DISCONTINUITY':
        pending.discontinuity = true;
        this.#discontinuities += 1;
        break;
      case 'EXT-X-MAP':
        this.#map = attributesOf(value)['URI'];
        break;
      case 'EXT-X-PROGRAM-DATE-TIME':
        pending.programDateTimeMs = Date.parse(value);
        break;
      case 'EXT-X-PART':
        pending.parts.push(partOf(value));
        break;
      case 'EXT-X-PRELOAD-HINT':
        this.#hints.push(attributesOf(value)['URI'] ?? '');
        break;
      case 'EXT-X-RENDITION-REPORT':
        this.#reports.push(attributesOf(value));
        break;
      case 'EXT-X-BYTERANGE':
        break;
      default:
        this.#tags.set(name, value);
    }
  }

  #uri(uri: string): void {
    this.#segments.push(this.#segment(uri));
    this.#pending = nothingPending();
  }

  #segment(uri: string | undefined): ReadSegment {
    const mediaSequence = this.#number('EXT-X-MEDIA-SEQUENCE') + this.#skipped + this.#segments.length;
    const discontinuityNumber = Number(this.#tags.get('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0) + this.#discontinuities;
    return { mediaSequence, discontinuityNumber, uri, map: this.#map, ...this.#pending };
  }
}

function partOf(value: string): ReadPart {
  const attributes = attributesOf(value);
  return {
    uri: attributes['URI'] ?? '',
    durationSec: Number(attributes['DURATION']),
    independent: attributes['INDEPENDENT'] === 'YES',
    gap: attributes['GAP'] === 'YES',
  };
}

/**
 * Section 6.3.7: what a client has after a delta update. Its skipped segments are those that it had, without their parts: they are
 * further from the end than parts are listed. Undefined where it had not all of them, and must ask for the whole.
 */
export function joinUpdate(before: ReadPlaylist, update: ReadPlaylist): ReadPlaylist | undefined {
  if (update.skipped === 0) return update;
  const to = update.mediaSequence + update.skipped;
  const skipped = before.segments.filter(({ mediaSequence }) => mediaSequence >= update.mediaSequence && mediaSequence < to);
  if (skipped.length < update.skipped) return undefined;
  const kept = skipped.map((one) => ({ ...one, parts: [] }));
  // The update counts discontinuities from its own first line; those that were skipped are not in it.
  const missed =
    (kept.at(-1)?.discontinuityNumber ?? Number(update.tags.get('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0)) -
    Number(update.tags.get('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0);
  const map = kept.at(-1)?.map;
  const moved = (one: ReadSegment): ReadSegment => ({ ...one, discontinuityNumber: one.discontinuityNumber + missed, map: one.map ?? map });
  return { ...update, skipped: 0, segments: [...kept, ...update.segments.map(moved)], open: update.open === undefined ? undefined : moved(update.open) };
}

/** Whole segments, and the open one. */
export function everySegment({ segments, open }: ReadPlaylist): readonly ReadSegment[] {
  return open === undefined ? segments : [...segments, open];
}

/** Number of the newest part, as rendition reports tell it. */
export function newestPart(playlist: ReadPlaylist): { readonly mediaSequence: number; readonly part: number } | undefined {
  const newest = everySegment(playlist).at(-1);
  return newest === undefined || newest.parts.length === 0 ? undefined : { mediaSequence: newest.mediaSequence, part: newest.parts.length - 1 };
}
