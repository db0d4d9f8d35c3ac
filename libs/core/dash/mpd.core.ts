import { dateTime } from '#kernel';
import { adaptationSets, inOrder, referenceId, type Shown } from './adaptation-sets.core.ts';
import { captionSets } from './captions.core.ts';
import { eventStreams } from './events.core.ts';
import { gridOf } from './grid.core.ts';
import { imageSets } from './images.core.ts';
import type { Beginning, Manifest } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import { availabilityStartMs, periodSpans } from './periods.core.ts';
import { timelineOf } from './timeline.core.ts';
import { duration, element, type Attributes, type Xml } from './xml.core.ts';

/** ISO/IEC 23009-1 section 8.4 and ISO/IEC 23000-19. */
const profiles = 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019';
/** Segments that players should keep between themselves and the live edge. */
const delaySegments = 3;
/** The same in chunks, where segments come in chunks: one is under way, one may be late, and two are held. */
const delayChunks = 4;

/**
 * Renders a media presentation description (ISO/IEC 23009-1 section 5.3): the live profile, segments by number, with their
 * times listed or, where they can be had while they are made, counted; one period per unbroken run of media. The same segments
 * as those of the HLS playlists. Pure: the same input gives the same bytes. Paths are relative to `/live/<streamId>/manifest.mpd`.
 */
export function renderMpd(manifest: Manifest): Xml {
  const { beginnings, segmentDurationMs, dvrWindowMs, ended, timeUrl, lowLatency } = manifest;
  const periods = periodSpans(beginnings, lowLatency === undefined ? undefined : segmentDurationMs * 1000).flatMap((span) => periodOf(manifest, span));
  const endUs = Math.max(0, ...periods.map((period) => period.endUs));
  const segmentSec = Math.ceil(segmentDurationMs / 1000);
  const early = earlyOf(manifest, periods.at(-1));
  const zeroMs = availabilityStartMs(beginnings);
  const startMs = early === undefined ? zeroMs : availabilityStartMs(beginnings, lowLatency);
  const delaySec = early === undefined ? delaySegments * segmentSec : (delayChunks * early.chunkUs) / 1_000_000;
  const live = {
    availabilityStartTime: dateTime(startMs),
    // What it was made of is as old as its newest sample.
    publishTime: dateTime(zeroMs + Math.floor(endUs / 1000)),
    minimumUpdatePeriod: duration(segmentSec),
    timeShiftBufferDepth: duration(dvrWindowMs / 1000),
    suggestedPresentationDelay: duration(delaySec),
  };
  const attributes: Attributes = {
    xmlns: 'urn:mpeg:dash:schema:mpd:2011',
    profiles,
    type: ended ? 'static' : 'dynamic',
    ...(ended ? { mediaPresentationDuration: duration(endUs / 1_000_000) } : live),
    minBufferTime: duration(early === undefined ? segmentSec : delaySec / 2),
    maxSegmentDuration: duration(longestSec(periods, segmentDurationMs)),
  };
  // 5.8.5.7: what time it is here, so that a player whose clock is wrong finds the live edge.
  const timing = ended ? [] : [element('UTCTiming', { schemeIdUri: 'urn:mpeg:dash:utc:http-xsdate:2014', value: timeUrl })];
  // While the clock waits for the media, nobody's clock says when that was made.
  const referTo = early !== undefined && startMs === zeroMs ? beginnings.at(-1) : undefined;
  const services = early === undefined ? [] : [serviceDescription(delaySec * 1000, dvrWindowMs, referTo)];
  const shown = periods.map((period) => periodXml(period, { earlyUs: early?.earlyUs, referTo, timing, events: eventsOf(manifest, period), ...manifest }));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('MPD', attributes, [...services, ...shown, ...timing])}\n`;
}

/** In tenths of a second, so that it stays the same: sound is cut up to two of its frames later than the picture. */
function longestSec(periods: readonly Period[], segmentDurationMs: number): number {
  let longestUs = segmentDurationMs * 1000;
  for (const { shown } of periods) for (const { addressing } of shown) longestUs = Math.max(longestUs, addressing.longestUs);
  return Math.ceil(longestUs / 100_000) / 10;
}

interface Period {
  readonly span: PeriodSpan;
  readonly shown: readonly Shown[];
  /** On the presentation's timeline, microseconds. */
  readonly endUs: number;
}

interface Early {
  readonly chunkUs: number;
  /** So long before it is whole a segment can be had, microseconds. */
  readonly earlyUs: number;
}

/** Undefined where segments cannot be had before they are whole: also where it cannot be told how long the next one will be. */
function earlyOf({ ended, lowLatency, segmentDurationMs }: Manifest, newest: Period | undefined): Early | undefined {
  if (ended || lowLatency === undefined || newest === undefined || newest.span.next !== undefined) return undefined;
  const isCounted = withoutFurtherSounds(newest.shown).every(({ rendition, addressing }) => addressing.duration !== undefined || !rendition.isMade);
  const { chunkUs } = lowLatency;
  const earlyUs = segmentDurationMs * 1000 - chunkUs;
  return isCounted && earlyUs > 0 ? { chunkUs, earlyUs } : undefined;
}

/** What every player plays: all pictures, and the sound that is chosen by nobody. */
function withoutFurtherSounds(shown: readonly Shown[]): readonly Shown[] {
  const [main] = shown.filter(({ rendition }) => rendition.kind === 'audio').toSorted((a, b) => inOrder(a.rendition, b.rendition));
  return shown.filter((one) => one.rendition.kind === 'video' || one === main);
}

/** Annex K.3. Players may hurry or dawdle by what nobody hears, and go back as far as the window reaches. */
function serviceDescription(targetMs: number, dvrWindowMs: number, referTo: Beginning | undefined): Xml {
  return element('ServiceDescription', { id: 0 }, [
    element('Latency', { referenceId: referTo === undefined ? undefined : referenceId, target: Math.round(targetMs), max: dvrWindowMs }),
    element('PlaybackRate', { max: 1.1, min: 0.95 }),
  ]);
}

/** Sound that is heard for so much longer than the picture is seen belongs to a recording, too; less is its last frame. */
const heardAloneUs = 100_000;

/** Nothing for a period of which the window shows nothing. */
function periodOf({ renditions, segmentDurationMs, ended, lowLatency }: Manifest, span: PeriodSpan): readonly Period[] {
  const within = renditions.flatMap((rendition) => {
    const segments = rendition.segments.filter(({ mediaSequence }) => mediaSequence >= span.first && mediaSequence < (span.next ?? Infinity));
    return segments.length === 0 ? [] : [{ rendition, segments }];
  });
  if (within.length === 0) return [];
  const first = Math.min(...within.map(({ segments }) => segments[0]?.mediaSequence ?? Infinity));
  const shown = within.map(({ rendition, segments }): Shown => {
    const open = !ended && span.next === undefined && rendition.isMade;
    // A picture that came later is listed: players change to it by themselves. A sound is a choice of its own, and counted as what
    // it goes with: numbers before it have no content.
    const counted = { span, first: rendition.kind === 'audio' ? Infinity : first, segmentUs: segmentDurationMs * 1000, open };
    const grid = lowLatency === undefined ? undefined : gridOf(segments, counted);
    return { rendition, segments, addressing: grid ?? timelineOf(segments) };
  });
  const leaders = shown.some(({ rendition }) => rendition.kind === 'video') ? shown.filter(({ rendition }) => rendition.kind === 'video') : shown;
  const seenUs = Math.max(...leaders.map(({ addressing }) => addressing.endUs));
  const heardUs = Math.max(...shown.map(({ addressing }) => addressing.endUs));
  const isLonger = ended && span.next === undefined && heardUs - seenUs > heardAloneUs;
  const endUs = span.startUs + (isLonger ? heardUs : seenUs) - span.mediaStartUs;
  return [{ span, shown, endUs }];
}

interface PeriodForm extends Pick<Manifest, 'images' | 'captions'> {
  readonly earlyUs: number | undefined;
  /** Whose wall clock players may refer to. */
  readonly referTo: Beginning | undefined;
  readonly timing: readonly Xml[];
  readonly events: readonly Xml[];
}

function eventsOf({ dateRanges = [], ended }: Manifest, { span, shown, endUs }: Period): readonly Xml[] {
  if (dateRanges.length === 0) return [];
  const shownUs = Math.min(...shown.map(({ segments }) => segments[0]?.startUs ?? Infinity));
  const lastUs = ended || span.next !== undefined ? endUs - span.startUs + span.mediaStartUs : Infinity;
  const stretches = span.runs.map(({ startUs, programDateTimeMs: beginMs }, at) => {
    const ms = (placeUs: number): number => beginMs + (placeUs - startUs) / 1000;
    const untilMs = Math.ceil(ms(span.runs[at + 1]?.startUs ?? lastUs));
    return { zeroMs: Math.round(ms(span.mediaStartUs)), beginMs, fromMs: Math.floor(ms(Math.max(startUs, shownUs))), untilMs };
  });
  return eventStreams(dateRanges, stretches);
}

/** 5.3.2.1: a period lasts until the next one starts. */
function periodXml({ span, shown, endUs }: Period, { earlyUs, referTo, timing, events, images = [], captions = [] }: PeriodForm): Xml {
  const sets = adaptationSets(shown, { span, earlyUs, referTo: referTo === span.runs.at(-1) ? referTo : undefined, timing });
  const mediaEndUs = span.next === undefined ? Infinity : endUs - span.startUs + span.mediaStartUs;
  const availabilityTimeOffset = earlyUs === undefined ? undefined : earlyUs / 1_000_000;
  sets.push(...captionSets(captions, shown, { span, id: sets.length + 1, availabilityTimeOffset }));
  sets.push(...imageSets(images, { span, endUs: mediaEndUs, id: sets.length + 1, availabilityTimeOffset }));
  return element('Period', { id: `p${span.first}`, start: duration(span.startUs / 1_000_000) }, [...events, ...sets]);
}
