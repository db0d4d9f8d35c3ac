import { dateTime } from '#kernel';
import type { DashRendition, DashSegment, DashTrack, Manifest } from './mpd.ts';
import { availabilityStartMs, periodSpans, type PeriodSpan } from './periods.core.ts';
import { timelineOf, type Timeline } from './timeline.core.ts';
import { duration, element, type Xml } from './xml.core.ts';

/** ISO/IEC 23009-1 section 8.4 and ISO/IEC 23000-19. */
const profiles = 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019';
const mimeTypes = { video: 'video/mp4', audio: 'audio/mp4' } as const;
/** Segments that players should keep between themselves and the live edge. */
const delaySegments = 3;

/**
 * Renders a media presentation description (ISO/IEC 23009-1 section 5.3): the live profile, segments by number with their
 * times listed, one period per unbroken run of media. The same segments as those of the HLS playlists. Pure: the same input
 * gives the same bytes. Paths are relative to `/live/<streamId>/manifest.mpd`.
 */
export function renderMpd(manifest: Manifest): Xml {
  const { beginnings, segmentDurationMs, dvrWindowMs, ended, timeUrl } = manifest;
  const spans = periodSpans(beginnings);
  const shown = spans.map((span) => periodOf(manifest, span)).filter((period) => period !== undefined);
  const endUs = Math.max(0, ...shown.map((period) => period.endUs));
  const segmentSec = Math.ceil(segmentDurationMs / 1000);
  const startMs = availabilityStartMs(beginnings);
  const live = {
    availabilityStartTime: dateTime(startMs),
    // What it was made of is as old as its newest sample.
    publishTime: dateTime(startMs + Math.floor(endUs / 1000)),
    minimumUpdatePeriod: duration(segmentSec),
    timeShiftBufferDepth: duration(dvrWindowMs / 1000),
    suggestedPresentationDelay: duration(delaySegments * segmentSec),
  };
  const attributes = {
    xmlns: 'urn:mpeg:dash:schema:mpd:2011',
    profiles,
    type: ended ? 'static' : 'dynamic',
    ...(ended ? { mediaPresentationDuration: duration(endUs / 1_000_000) } : live),
    minBufferTime: duration(segmentSec),
    maxSegmentDuration: duration(segmentSec),
  };
  const periods = shown.map(({ xml }) => xml);
  // 5.8.5.7: what time it is here, so that a player whose clock is wrong finds the live edge.
  const timing = ended ? [] : [element('UTCTiming', { schemeIdUri: 'urn:mpeg:dash:utc:http-xsdate:2014', value: timeUrl })];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('MPD', attributes, [...periods, ...timing])}\n`;
}

interface Period {
  readonly xml: Xml;
  /** On the presentation's timeline, microseconds. */
  readonly endUs: number;
}

interface Shown {
  readonly rendition: DashRendition;
  readonly segments: readonly DashSegment[];
  readonly timeline: Timeline;
}

/** Undefined for a period of which the window shows nothing. */
function periodOf({ renditions }: Manifest, span: PeriodSpan): Period | undefined {
  const shown = renditions.flatMap((rendition): Shown[] => {
    const segments = rendition.segments.filter(({ mediaSequence }) => mediaSequence >= span.first && mediaSequence < (span.next ?? Infinity));
    return segments.length === 0 ? [] : [{ rendition, segments, timeline: timelineOf(segments) }];
  });
  if (shown.length === 0) return undefined;
  const leaders = shown.some(({ rendition }) => rendition.kind === 'video') ? shown.filter(({ rendition }) => rendition.kind === 'video') : shown;
  const endUs = span.startUs + Math.max(...leaders.map(({ timeline }) => timeline.endUs)) - span.mediaStartUs;
  // 5.3.2.1: a period lasts until the next one starts.
  const attributes = { id: `p${span.first}`, start: duration(span.startUs / 1_000_000) };
  return { xml: element('Period', attributes, adaptationSets(shown, span)), endUs };
}

/** 5.3.3: renditions that a player may switch between: those of one kind and codec. */
function adaptationSets(shown: readonly Shown[], span: PeriodSpan): Xml[] {
  const groups = new Map<string, Shown[]>();
  for (const one of shown) {
    const key = `${one.rendition.kind} ${trackOf(one).codecs.split('.')[0]}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const kinds = { video: 1, audio: 2 } as const;
  return [...groups.values()]
    .toSorted((a, b) => kinds[(a[0] as Shown).rendition.kind] - kinds[(b[0] as Shown).rendition.kind])
    .map((group, at) => adaptationSet(group, at + 1, span));
}

function adaptationSet(group: readonly Shown[], id: number, span: PeriodSpan): Xml {
  const [first] = group as readonly [Shown, ...Shown[]];
  const { kind } = first.rendition;
  // Renditions are cut alike: then their times are told once.
  const shared = group.every(({ timeline: { timescale, startNumber, xml } }) => {
    const one = first.timeline;
    return timescale === one.timescale && startNumber === one.startNumber && xml === one.xml;
  });
  const attributes = { id, contentType: kind, mimeType: mimeTypes[kind], segmentAlignment: true, startWithSAP: 1 };
  return element('AdaptationSet', attributes, [
    element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value: 'main' }),
    ...(shared ? [segmentTemplate(first.timeline, span, {})] : []),
    ...group.toSorted((a, b) => b.rendition.bandwidth - a.rendition.bandwidth).map((one) => representation(one, span, shared)),
  ]);
}

/** 5.3.9.4. An attribute that a representation does not give comes from its adaptation set. */
function segmentTemplate({ timescale, startNumber, xml }: Timeline, span: PeriodSpan, more: { readonly initialization?: string }): Xml {
  const presentationTimeOffset = Math.round((span.mediaStartUs * timescale) / 1_000_000);
  return element('SegmentTemplate', { timescale, presentationTimeOffset, startNumber, media: '$RepresentationID$/$Number$.m4s', ...more }, [xml]);
}

function representation(shown: Shown, span: PeriodSpan, shared: boolean): Xml {
  const { rendition, segments, timeline } = shown;
  const { codecs, width, height, sampleRate, channels } = trackOf(shown);
  const { name: id, bandwidth, kind } = rendition;
  const about = kind === 'video' ? { width, height, frameRate: frameRateText(rendition.frameRate) } : { audioSamplingRate: sampleRate };
  const sound = kind === 'video' || channels === undefined ? [] : [channelConfiguration(channels)];
  const initialization = `../../media/${(segments[0] as DashSegment).initCid}.mp4`;
  const template = shared ? element('SegmentTemplate', { initialization }) : segmentTemplate(timeline, span, { initialization });
  return element('Representation', { id, codecs, bandwidth, ...about }, [...sound, template]);
}

/** 5.8.5.4: ISO/IEC 23003-3 (now 23091-3) numbers channel layouts; for mono and stereo the number is that of the channels. */
function channelConfiguration(channels: number): Xml {
  return element('AudioChannelConfiguration', { schemeIdUri: 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011', value: channels });
}

/** As the segments of the period were coded; what their packager did not tell, as the newest encoder says. */
function trackOf({ rendition, segments }: Pick<Shown, 'rendition' | 'segments'>): Pick<DashTrack, 'codecs' | 'width' | 'height' | 'sampleRate' | 'channels'> {
  return segments[0]?.track ?? { ...rendition, sampleRate: undefined };
}

/** 5.3.7.2: a whole number or a fraction of two. */
function frameRateText(framesPerSecond: number | undefined): string | undefined {
  if (framesPerSecond === undefined) return undefined;
  if (Number.isInteger(framesPerSecond)) return `${framesPerSecond}`;
  const film = framesPerSecond * 1.001;
  if (Math.abs(film - Math.round(film)) < 0.0005) return `${Math.round(film) * 1000}/1001`;
  return `${Math.round(framesPerSecond * 1000)}/1000`;
}
