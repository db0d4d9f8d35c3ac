import type { DashImage } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import { element, type Xml } from './xml.core.ts';

/** DASH-IF IOP section 6.2.6: pictures side by side in one image. */
const tileScheme = 'http://dashif.org/guidelines/thumbnail_tile';

export interface ImageForm {
  readonly span: PeriodSpan;
  /** Where the period ends on the stream's timeline, microseconds; Infinity for one that is not over. */
  readonly endUs: number;
  /** Of the first set. */
  readonly id: number;
  /** What representations that are had early say: players take the least of all for the manifest's (Shaka Player 5.2). */
  readonly availabilityTimeOffset: number | undefined;
}

/**
 * The small pictures of a period: an adaptation set for each layout that its images have, because a set has one for all its
 * images. Players show the first set: that of the layout which most of the period is pictured in. They are found by their time,
 * because there are fewer while a machine has much to do. @param images in order, also those of other periods
 */
export function imageSets(images: readonly DashImage[], form: ImageForm): Xml[] {
  const layouts = new Map<string, [DashImage, ...DashImage[]]>();
  for (const image of images.filter(({ startUs }) => startUs >= form.span.mediaStartUs && startUs < form.endUs)) {
    const { columns, rows, width, height } = image;
    const layout = `${columns}x${rows}-${width}x${height}`;
    const alike = layouts.get(layout);
    if (alike === undefined) layouts.set(layout, [image]);
    else alike.push(image);
  }
  const picturedUs = (alike: readonly DashImage[]): number => alike.reduce((sum, { durationUs }) => sum + durationUs, 0);
  return [...layouts]
    .toSorted(([, a], [, b]) => picturedUs(b) - picturedUs(a))
    .map(([layout, alike], at) => imageSet(alike, at === 0 ? 'thumbnails' : `thumbnails-${layout}`, { ...form, id: form.id + at }));
}

/** @param alike images of one layout, in order */
function imageSet(alike: readonly [DashImage, ...DashImage[]], name: string, { span, id, availabilityTimeOffset }: ImageForm): Xml {
  const [{ columns, rows, width, height }] = alike;
  const entries = alike.map(({ startUs, durationUs }, at) => {
    const untilUs = Math.min(startUs + durationUs, alike[at + 1]?.startUs ?? Infinity);
    return element('S', { t: startUs, d: untilUs - startUs });
  });
  const about = { timescale: 1_000_000, presentationTimeOffset: span.mediaStartUs, availabilityTimeOffset, media: 'thumbnails/$Time$.jpg' };
  const template = element('SegmentTemplate', about, [element('SegmentTimeline', {}, entries)]);
  const peak = Math.max(...alike.map(({ sizeBytes, durationUs }) => Math.ceil((sizeBytes * 8_000_000) / durationUs)));
  const whole = { id: name, bandwidth: roundedUp(peak), width: columns * width, height: rows * height };
  const representation = element('Representation', whole, [element('EssentialProperty', { schemeIdUri: tileScheme, value: `${columns}x${rows}` })]);
  return element('AdaptationSet', { id, contentType: 'image', mimeType: 'image/jpeg' }, [template, representation]);
}

/** To two digits, so that it stays the same while pictures come. */
function roundedUp(peak: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, peak))) - 1);
  return Math.ceil(peak / unit) * unit;
}
