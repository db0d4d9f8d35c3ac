import { readXml, type XmlElement } from './xml.ts';

/** An entry of a SegmentTimeline, with its repetitions written out. Ticks. */
export interface ReadEntry {
  readonly time: number;
  readonly duration: number;
}

/** SegmentTemplate with what it inherits. */
export interface ReadTemplate {
  readonly timescale: number;
  /** Ticks; undefined where segments are listed. */
  readonly duration: number | undefined;
  readonly entries: readonly ReadEntry[] | undefined;
  readonly presentationTimeOffset: number;
  readonly startNumber: number;
  readonly endNumber: number | undefined;
  readonly availabilityTimeOffset: number | undefined;
  readonly availabilityTimeComplete: boolean;
  readonly media: string;
  readonly initialization: string | undefined;
}

export interface ReadRepresentation {
  readonly id: string;
  readonly bandwidth: number;
  readonly codecs: string | undefined;
  readonly attributes: ReadonlyMap<string, string>;
  readonly template: ReadTemplate;
}

export interface ReadSet {
  readonly id: string;
  readonly contentType: string;
  readonly mimeType: string;
  readonly segmentAlignment: boolean;
  /** Names of what is in it, in order. */
  readonly elements: readonly string[];
  readonly representations: readonly ReadRepresentation[];
}

export interface ReadPeriod {
  readonly id: string;
  readonly startSec: number;
  readonly elements: readonly XmlElement[];
  readonly sets: readonly ReadSet[];
}

/** A manifest as a client reads it. */
export interface ReadMpd {
  readonly root: XmlElement;
  readonly dynamic: boolean;
  /** Milliseconds since the Unix epoch; NaN where there is none. */
  readonly availabilityStartMs: number;
  readonly publishMs: number;
  /** Seconds; NaN where there is none. */
  readonly durationSec: number;
  readonly maxSegmentSec: number;
  readonly periods: readonly ReadPeriod[];
}

export const childrenOf = (element: XmlElement, name: string): readonly XmlElement[] => element.children.filter((child) => child.name === name);

/** xs:duration as manifests use it; NaN for none. */
export function secondsOf(text: string | undefined): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = /^PT(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/.exec(text ?? '') ?? [undefined, 'NaN'];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** @throws Error on what is not well-formed, or lacks what cannot be read without */
export function readMpd(text: string): ReadMpd {
  const root = readXml(text);
  const attribute = (name: string): string | undefined => root.attributes.get(name);
  return {
    root,
    dynamic: attribute('type') === 'dynamic',
    availabilityStartMs: Date.parse(attribute('availabilityStartTime') ?? ''),
    publishMs: Date.parse(attribute('publishTime') ?? ''),
    durationSec: secondsOf(attribute('mediaPresentationDuration')),
    maxSegmentSec: secondsOf(attribute('maxSegmentDuration')),
    periods: childrenOf(root, 'Period').map(periodOf),
  };
}

function periodOf(element: XmlElement): ReadPeriod {
  return {
    id: element.attributes.get('id') ?? '',
    startSec: secondsOf(element.attributes.get('start')),
    elements: element.children,
    sets: childrenOf(element, 'AdaptationSet').map(setOf),
  };
}

function setOf(element: XmlElement): ReadSet {
  const text = (name: string): string => element.attributes.get(name) ?? '';
  return {
    id: text('id'),
    contentType: text('contentType'),
    mimeType: text('mimeType'),
    segmentAlignment: text('segmentAlignment') === 'true',
    elements: element.children.map(({ name }) => name),
    representations: childrenOf(element, 'Representation').map((one) => ({
      id: one.attributes.get('id') ?? '',
      bandwidth: Number(one.attributes.get('bandwidth')),
      codecs: one.attributes.get('codecs') ?? element.attributes.get('codecs'),
      attributes: one.attributes,
      template: templateOf([...childrenOf(element, 'SegmentTemplate'), ...childrenOf(one, 'SegmentTemplate')]),
    })),
  };
}

/** 5.3.9.1: what is nearer overrides. */
function templateOf(templates: readonly XmlElement[]): ReadTemplate {
  const attributes = new Map(templates.flatMap((one) => [...one.attributes]));
  const number = (name: string): number | undefined => (attributes.has(name) ? Number(attributes.get(name)) : undefined);
  const timeline = templates.flatMap((one) => childrenOf(one, 'SegmentTimeline')).at(-1);
  return {
    timescale: number('timescale') ?? 1,
    duration: number('duration'),
    entries: timeline === undefined ? undefined : entriesOf(timeline),
    presentationTimeOffset: number('presentationTimeOffset') ?? 0,
    startNumber: number('startNumber') ?? 1,
    endNumber: number('endNumber'),
    availabilityTimeOffset: number('availabilityTimeOffset'),
    availabilityTimeComplete: attributes.get('availabilityTimeComplete') !== 'false',
    media: attributes.get('media') ?? '',
    initialization: attributes.get('initialization'),
  };
}

/** 5.3.9.6.2. */
function entriesOf(timeline: XmlElement): readonly ReadEntry[] {
  const entries: ReadEntry[] = [];
  let next = 0;
  for (const { attributes } of childrenOf(timeline, 'S')) {
    const duration = Number(attributes.get('d'));
    let time = Number(attributes.get('t') ?? next);
    for (let repeat = 0; repeat <= Number(attributes.get('r') ?? 0); repeat++, time += duration) entries.push({ time, duration });
    next = time;
  }
  return entries;
}

/** What a template lists or counts, by number; of what is counted up to a place in the period, seconds. */
export function numbersOf(template: ReadTemplate, untilSec: number): ReadonlyMap<number, ReadEntry> {
  const { entries, duration, startNumber, endNumber = Infinity, timescale, presentationTimeOffset } = template;
  if (entries !== undefined) return new Map(entries.map((entry, at) => [startNumber + at, entry]));
  if (duration === undefined) return new Map();
  const count = Math.min(endNumber - startNumber + 1, Math.floor((untilSec * timescale) / duration + 1e-6));
  return new Map(
    Array.from({ length: Math.max(0, count) }, (_, at) => [startNumber + at, { time: presentationTimeOffset + at * duration, duration }] as const),
  );
}
