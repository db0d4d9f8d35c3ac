import { templateReferences, type SegmentTemplate, type TimelineEntry } from './dash-template.core.ts';
import { manifestLengthMax, segmentsMax, type Manifest, type ManifestTrack } from './manifest.ts';
import { resolveReference, type ReferenceBase } from './reference.core.ts';
import { scanXml, type XmlTag } from './xml-scan.core.ts';

/** Representations of one manifest that are remembered. */
const tracksMax = 64;
/** Segments of one representation in one period, and of everything, that are counted: a few words can stand for thousands of millions. */
const countMax = 20_000;
const countAllMax = 100_000;
const timelineEntriesMax = 5000;

const duration = /^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]00:00)?$/;

/** An xs:duration without years and months, seconds. */
export function durationSec(text: string | undefined): number | undefined {
  const [whole, days = '0', hours = '0', minutes = '0', seconds = '0'] = duration.exec(text ?? '') ?? [];
  return whole === undefined ? undefined : Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** An xs:dateTime of UTC, ms since the Unix epoch (days by Howard Hinnant's civil calendar: there is no clock in here to ask). */
export function dateTimeMs(text: string | undefined): number | undefined {
  const [whole, ...parts] = dateTime.exec(text ?? '') ?? [];
  if (whole === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(0, 6).map(Number);
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const dayOfEra = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const ofEra = y - era * 400;
  const days = era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + dayOfEra - 719_468;
  return ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000 + Number(`0.${parts[6] ?? '0'}`) * 1000;
}

interface Level {
  readonly name: string;
  base: string;
  /** Of several BaseURLs the first counts: the others are the same elsewhere. */
  based: boolean;
  readonly attributes: ReadonlyMap<string, string>;
  template: { attributes: Map<string, string>; timeline: TimelineEntry[] | undefined } | undefined;
  /** Whether its template is its own already, or that of the level above. */
  own: boolean;
}

/** What is around a representation counts for it (5.3.9.1): levels of open elements, innermost last. */
class Reading {
  readonly base: ReferenceBase;
  readonly nowMs: number;
  readonly levels: Level[] = [];
  readonly tracks = new Map<string, Pick<ManifestTrack, 'init' | 'newestAgeMs' | 'segmentMs'> & { segments: string[] }>();
  readonly first: string[] = [];
  live = false;
  #left = countAllMax;
  #setHasFirst = false;

  constructor(base: ReferenceBase, nowMs: number) {
    this.base = base;
    this.nowMs = nowMs;
  }

  open({ attributes, name, text }: XmlTag): void {
    const top = this.levels.at(-1);
    switch (name) {
      case 'MPD':
        this.live = attributes.get('type') === 'dynamic';
        this.levels.push({ name, base: this.base.target, based: false, attributes, template: undefined, own: false });
        return;
      case 'AdaptationSet':
      case 'Period':
      case 'Representation':
        if (name !== 'Representation') this.#setHasFirst = false;
        if (top !== undefined) this.levels.push({ name, base: top.base, based: false, attributes, template: top.template, own: false });
        return;
      case 'BaseURL':
        if (top === undefined || top.based) return;
        top.base = resolveReference(text, { ...this.base, target: top.base }) ?? '';
        top.based = true;
        return;
      case 'SegmentTemplate': {
        if (top === undefined) return;
        top.template = { attributes: new Map([...(top.template?.attributes ?? []), ...attributes]), timeline: top.template?.timeline };
        top.own = true;
        return;
      }
      case 'SegmentTimeline':
        if (top?.template !== undefined && top.own) top.template.timeline = [];
        return;
      case 'S':
        this.#entry(attributes, top);
        return;
      default:
        return;
    }
  }

  close(name: string): void {
    const top = this.levels.at(-1);
    if (top?.name !== name) return;
    if (name === 'Representation') this.#represent(top);
    this.levels.pop();
  }

  #entry(attributes: ReadonlyMap<string, string>, top: Level | undefined): void {
    const timeline = top?.template?.timeline;
    const [d, r] = [Number(attributes.get('d')), Number(attributes.get('r') ?? 0)];
    const t = attributes.has('t') ? Number(attributes.get('t')) : undefined;
    if (timeline === undefined || timeline.length >= timelineEntriesMax) return;
    if (Number.isSafeInteger(d) && d >= 0 && Number.isSafeInteger(r) && (t === undefined || Number.isSafeInteger(t))) timeline.push({ t, d, r });
  }

  #represent({ attributes, base, template }: Level): void {
    const id = attributes.get('id') ?? '';
    if (template === undefined || base === '' || (!this.tracks.has(id) && this.tracks.size >= tracksMax)) return;
    const { init, media, newestAgeMs, segmentMs } = templateReferences(template as SegmentTemplate, {
      id,
      bandwidth: attributes.get('bandwidth') ?? '',
      ...this.#periodTimes(),
      countMax: Math.min(countMax, this.#left),
    });
    this.#left -= media.length;
    const targetOf = (reference: string): string | undefined => resolveReference(reference, { ...this.base, target: base });
    const before = this.tracks.get(id);
    const segments = [...(before?.segments ?? []), ...media.flatMap((reference) => targetOf(reference) ?? [])];
    const initTarget = init === undefined ? undefined : targetOf(init);
    // Of several periods a player begins with the last of what is live, and with the first of everything else.
    this.tracks.set(id, {
      init: this.live ? (initTarget ?? before?.init) : (before?.init ?? initTarget),
      segments: this.live ? segments.slice(-segmentsMax) : segments.slice(0, segmentsMax),
      ...{ newestAgeMs, segmentMs },
    });
    if (!this.#setHasFirst && !this.first.includes(id)) this.first.push(id);
    this.#setHasFirst = true;
  }

  #periodTimes(): { readonly durationSec: number | undefined; readonly elapsedSec: number | undefined } {
    const mpd = this.levels[0]?.attributes;
    const period = this.levels.find(({ name }) => name === 'Period')?.attributes;
    const startSec = durationSec(period?.get('start')) ?? 0;
    const wholeSec = durationSec(mpd?.get('mediaPresentationDuration'));
    const length = durationSec(period?.get('duration')) ?? (wholeSec === undefined ? undefined : wholeSec - startSec);
    if (!this.live) return { durationSec: length, elapsedSec: undefined };
    const startMs = dateTimeMs(mpd?.get('availabilityStartTime'));
    return { durationSec: length, elapsedSec: startMs === undefined ? 0 : Math.max(0, (this.nowMs - startMs) / 1000 - startSec) };
  }
}

/** Reads an MPD (ISO/IEC 23009-1) with SegmentTemplate as far as it tells what is asked for next; undefined for what is none. */
export function readDash(text: string, base: ReferenceBase, nowMs: number): Manifest | undefined {
  if (text.length > manifestLengthMax || !/<(?:[\w.-]+:)?MPD[\s>]/.test(text.slice(0, 10_000))) return undefined;
  const reading = new Reading(base, nowMs);
  for (const tag of scanXml(text)) {
    if (tag.kind !== 'close') reading.open(tag);
    if (tag.kind !== 'open') reading.close(tag.name);
  }
  const tracks: ManifestTrack[] = [...reading.tracks].map(([id, track]) => ({ id, ...track, parts: [] }));
  return { live: reading.live, tracks, first: reading.first, playlists: [] };
}
