import type { Shown } from './adaptation-sets.core.ts';
import type { DashCaptions } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import { attributeText, element, type Xml } from './xml.core.ts';

/** A guess that is never too low: two lines of 32 characters in each of a segment's seconds, with their cues. */
const bandwidth = 2000;

export interface CaptionForm {
  readonly span: PeriodSpan;
  /** Of the first set. */
  readonly id: number;
  /** What representations that are had early say: players take the least of all for the manifest's (Shaka Player 5.2). */
  readonly availabilityTimeOffset: number | undefined;
}

/**
 * The captions of a period: WebVTT beside the segments of a picture, found by the same numbers. Cue times are media times, as
 * with everything else, so that presentationTimeOffset brings them to their place (ISO/IEC 23009-1 section 5.3.9.6; dash.js 5.2
 * takes them for times of the presentation, which is the same while a stream's timeline begins at zero).
 */
export function captionSets(captions: readonly DashCaptions[], shown: readonly Shown[], { span, id, availabilityTimeOffset }: CaptionForm): Xml[] {
  const isWithin = (number: number): boolean => number >= span.first && number < (span.next ?? Infinity);
  const sets = captions.flatMap(({ name, label, rendition, spoken }) => {
    const beside = shown.find((one) => one.rendition.name === rendition);
    return beside === undefined || !spoken.some(isWithin) ? [] : [{ name, label, ...beside.addressing }];
  });
  return sets.map(({ name, label, timescale, duration, startNumber, endNumber, xml }, at) => {
    const presentationTimeOffset = Math.round((span.mediaStartUs * timescale) / 1_000_000);
    // The answer to one that is asked for early comes when it is whole.
    const early = availabilityTimeOffset === undefined || duration === undefined ? {} : { availabilityTimeOffset };
    const media = duration === undefined ? '$RepresentationID$/$Number$.vtt' : `$RepresentationID$/p${span.first}-$Number$.vtt`;
    const about = { timescale, duration, presentationTimeOffset, startNumber, endNumber, ...early, media };
    return element('AdaptationSet', { id: id + at, contentType: 'text', mimeType: 'text/vtt', lang: 'und' }, [
      element('Label', {}, [attributeText(label)]),
      element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value: 'caption' }),
      element('SegmentTemplate', about, xml === '' ? [] : [xml]),
      element('Representation', { id: name, bandwidth }),
    ]);
  });
}
