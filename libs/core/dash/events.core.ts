import type { DashMarker } from './mpd.ts';
import { attributeText, element, type Xml } from './xml.core.ts';

/** SCTE 214-1 section 6.8.4: splice sections as they are, in base 64. */
const spliceScheme = 'urn:scte:scte35:2014:xml+bin';
/** Everything else: the marker as JSON. */
const markerScheme = 'urn:streams:marker';
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A stretch of wall clock that a period shows, ms since the Unix epoch. */
export interface ShownStretch {
  /** What times of events count from: when the period would have begun. */
  readonly zeroMs: number;
  readonly beginMs: number;
  /** From here on the window shows it. */
  readonly fromMs: number;
  /** Infinity for a period that is not over. */
  readonly untilMs: number;
}

/**
 * The event streams of a period (ISO/IEC 23009-1 section 5.10.2): what HLS tells as date ranges, in milliseconds from its beginning.
 * @param stretches in order; between them nobody published, and there is no time
 */
export function eventStreams(ranges: readonly DashMarker[], stretches: readonly ShownStretch[]): Xml[] {
  const splices: Xml[] = [];
  const markers = new Map<string, Xml[]>();
  const told = new Set<DashMarker>();
  for (const stretch of stretches)
    for (const range of markersWithin(ranges, stretch)) {
      splices.push(...splicesOf(range, stretch));
      if (told.has(range)) continue;
      told.add(range);
      const value = range.class ?? '';
      markers.set(value, [...(markers.get(value) ?? []), markerOf(range, stretch)]);
    }
  const named = [...markers].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...(splices.length === 0 ? [] : [eventStream(spliceScheme, undefined, splices)]),
    ...named.map(([value, events]) => eventStream(markerScheme, value === '' ? undefined : value, events)),
  ];
}

/** Those that touch what is shown, in order. */
function markersWithin(ranges: readonly DashMarker[], { fromMs, untilMs }: ShownStretch): readonly DashMarker[] {
  return ranges
    .filter(({ startMs, durationMs, plannedDurationMs }) => startMs < untilMs && startMs + (durationMs ?? plannedDurationMs ?? 0) >= fromMs)
    .toSorted((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
}

function eventStream(schemeIdUri: string, value: string | undefined, events: readonly Xml[]): Xml {
  return element('EventStream', { schemeIdUri, value, timescale: 1000 }, events);
}

function splicesOf(range: DashMarker, stretch: ShownStretch): Xml[] {
  const { id, startMs, durationMs, plannedDurationMs, scte35Cmd, scte35Out, scte35In } = range;
  const endMs = durationMs === undefined ? undefined : startMs + durationMs;
  const splice = (what: string, section: string | undefined, atMs: number | undefined, lengthMs?: number): Xml[] => {
    if (section === undefined || atMs === undefined || atMs < stretch.beginMs || atMs >= stretch.untilMs) return [];
    const signal = element('Signal', { xmlns: 'http://www.scte.org/schemas/35/2016' }, [element('Binary', {}, [base64(section)])]);
    return [element('Event', { presentationTime: atMs - stretch.zeroMs, duration: lengthMs, id: numberOf(`${id} ${what}`) }, [signal])];
  };
  return [
    ...splice('cmd', scte35Cmd, startMs),
    ...splice('out', scte35Out, startMs, durationMs ?? plannedDurationMs),
    // The end of a break that is not known yet is told when it is.
    ...splice('in', scte35In, endMs ?? (scte35Out === undefined ? startMs : undefined)),
  ];
}

function markerOf(range: DashMarker, { zeroMs, beginMs }: ShownStretch): Xml {
  const { id, startMs, durationMs, plannedDurationMs, endsOnNext, attributes } = range;
  const cutMs = Math.max(0, beginMs - startMs);
  const lengthMs = durationMs ?? plannedDurationMs;
  const duration = lengthMs === undefined ? undefined : Math.max(0, lengthMs - cutMs);
  const said = Object.fromEntries(attributes.map(({ name, value, isNumber }) => [name, isNumber ? Number(value) : value]));
  const about = { id, ...(endsOnNext ? { endsOnNext } : {}), ...(attributes.length === 0 ? {} : { attributes: said }) };
  return element('Event', { presentationTime: Math.max(startMs, beginMs) - zeroMs, duration, id: numberOf(id) }, [attributeText(JSON.stringify(about))]);
}

/** Event@id is a number: the same for the same name (FNV-1a, 32 bits). */
function numberOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** @param section hexadecimal with `0x` */
function base64(section: string): string {
  const bytes = (section.slice(2).match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16));
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = bytes.slice(at, at + 3);
    text += alphabet[a >> 2] as string;
    text += alphabet[((a & 3) << 4) | ((b ?? 0) >> 4)] as string;
    text += b === undefined ? '=' : (alphabet[((b & 15) << 2) | ((c ?? 0) >> 6)] as string);
    text += c === undefined ? '=' : (alphabet[c & 63] as string);
  }
  return text;
}
