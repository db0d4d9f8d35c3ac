import { segmentsMax } from './manifest.ts';

/** SegmentTemplate as it applies to one representation: attributes from above and its own. */
export interface SegmentTemplate {
  readonly attributes: ReadonlyMap<string, string>;
  /** SegmentTimeline: start, duration and repeats of each S; undefined where segments are counted. */
  readonly timeline: ReadonlyArray<TimelineEntry> | undefined;
}

export interface TimelineEntry {
  readonly t: number | undefined;
  readonly d: number;
  readonly r: number;
}

export interface TemplateContext {
  readonly id: string;
  readonly bandwidth: string;
  /** Of the period, seconds; undefined where it is open. */
  readonly durationSec: number | undefined;
  /** How long the period has been going on, seconds: counted segments behind it are not there yet. Undefined where everything is. */
  readonly elapsedSec: number | undefined;
  /** Segments that are counted at most; where there are more, none are named: the newest would be the wrong ones. */
  readonly countMax: number;
}

/** ISO/IEC 23009-1 section 5.3.9.4.4; undefined for a template with an identifier of another time. */
export function fillTemplate(template: string, values: Readonly<Record<string, string | number>>): string | undefined {
  let known = true;
  const filled = template.replaceAll(/\$(?:([A-Za-z]*)(?:%0(\d{1,2})d)?)\$/g, (_, name: string, width: string | undefined) => {
    if (name === '') return '$';
    const value = values[name];
    if (value === undefined) known = false;
    return String(value ?? '').padStart(Number(width ?? 0), '0');
  });
  return known ? filled : undefined;
}

function numberOf(attributes: ReadonlyMap<string, string>, name: string, otherwise: number): number {
  const value = Number(attributes.get(name) ?? otherwise);
  return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

/** Number and time of each segment. */
function* places(template: SegmentTemplate, { durationSec, elapsedSec }: TemplateContext): Generator<{ readonly number: number; readonly time: number }> {
  const { attributes, timeline } = template;
  const startNumber = numberOf(attributes, 'startNumber', 1);
  if (timeline !== undefined) {
    let [number, time] = [startNumber, 0];
    for (const [at, { d, r, t }] of timeline.entries()) {
      time = t ?? time;
      // A negative count repeats up to the next entry; at the end nobody can say how often.
      const until = timeline[at + 1]?.t;
      const repeats = r >= 0 ? r : until === undefined || d <= 0 ? 0 : Math.max(0, Math.ceil((until - time) / d) - 1);
      for (let repeat = 0; repeat <= Math.min(repeats, segmentsMax); repeat++, number++, time += d) yield { number, time };
    }
    return;
  }
  const durationTicks = numberOf(attributes, 'duration', 0);
  const timescale = numberOf(attributes, 'timescale', 1);
  if (durationTicks === 0 || timescale === 0) return;
  const segmentSec = durationTicks / timescale;
  const whole = durationSec === undefined ? undefined : Math.ceil(durationSec / segmentSec - 1e-6);
  const there = elapsedSec === undefined ? undefined : Math.floor(elapsedSec / segmentSec);
  const count = Math.max(0, Math.min(whole ?? Number.MAX_SAFE_INTEGER, there ?? Number.MAX_SAFE_INTEGER));
  if (count === Number.MAX_SAFE_INTEGER) return;
  const first = there === undefined ? 0 : Math.max(0, count - 10);
  for (let at = first; at < Math.min(count, first + segmentsMax); at++) yield { number: startNumber + at, time: at * durationTicks };
}

export interface References {
  readonly init: string | undefined;
  readonly media: readonly string[];
  readonly segmentMs: number | undefined;
  readonly newestAgeMs: number | undefined;
}

/** How long the last segment lasts; and, where segments are counted by the clock, for how long it has been there. */
function pace({ attributes, timeline }: SegmentTemplate, { elapsedSec }: TemplateContext): Pick<References, 'segmentMs' | 'newestAgeMs'> {
  const timescale = numberOf(attributes, 'timescale', 1);
  const ticks = timeline === undefined ? numberOf(attributes, 'duration', 0) : (timeline.at(-1)?.d ?? 0);
  if (ticks === 0 || timescale === 0) return { segmentMs: undefined, newestAgeMs: undefined };
  const segmentMs = (ticks / timescale) * 1000;
  return { segmentMs, newestAgeMs: timeline === undefined && elapsedSec !== undefined ? (elapsedSec * 1000) % segmentMs : undefined };
}

/** Initialisation and media of a representation, as references. */
export function templateReferences(template: SegmentTemplate, context: TemplateContext): References {
  const { attributes } = template;
  const about = { RepresentationID: context.id, Bandwidth: context.bandwidth };
  const initialization = attributes.get('initialization');
  const media = attributes.get('media');
  const references: string[] = [];
  if (media !== undefined) {
    for (const { number, time } of places(template, context)) {
      if (references.length >= context.countMax) return { init: undefined, media: [], segmentMs: undefined, newestAgeMs: undefined };
      const reference = fillTemplate(media, { ...about, Number: number, Time: time });
      if (reference === undefined) break;
      references.push(reference);
    }
  }
  return { init: initialization === undefined ? undefined : fillTemplate(initialization, about), media: references, ...pace(template, context) };
}
