import { dateTime } from '#kernel';

/** Small pictures of a stretch of a stream, side by side in one JPEG; the fields are those of `thumbnails.produced`. */
export interface ThumbnailImage {
  readonly cid: string;
  readonly sizeBytes: number;
  /** Microseconds of the stream's timeline. Each picture stands for an equal part. */
  readonly startUs: number;
  readonly durationUs: number;
  /** Wall clock of the beginning, ms since the Unix epoch. */
  readonly programDateTimeMs: number;
  readonly columns: number;
  readonly rows: number;
  /** Of one picture, pixels. */
  readonly width: number;
  readonly height: number;
}

/** Name of the playlist and of the track of a stream's pictures, without its extension; no rendition has it. */
export const thumbnailsName = 'thumbnails';

export interface ImagePlaylist {
  /** In order. */
  readonly images: readonly ThumbnailImage[];
  readonly ended: boolean;
}

const seconds = (us: number): string => (us / 1_000_000).toFixed(3);
const uriOf = ({ cid }: ThumbnailImage): string => `../../media/${cid}.jpg`;

/**
 * An image playlist, as players that scrub by EXT-X-IMAGE-STREAM-INF read it: one entry per JPEG, EXT-X-TILES tells how the
 * pictures lie in it. It has program dates, by which live players find the picture of a place.
 */
export function renderImagePlaylist({ images, ended }: ImagePlaylist): string {
  const target = Math.max(1, ...images.map(({ durationUs }) => Math.ceil(durationUs / 1_000_000)));
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${target}`, '#EXT-X-MEDIA-SEQUENCE:0'];
  if (ended) lines.push('#EXT-X-PLAYLIST-TYPE:VOD');
  lines.push('#EXT-X-IMAGES-ONLY');
  for (const image of images) {
    const { columns, rows, width, height, durationUs, programDateTimeMs } = image;
    lines.push(
      `#EXT-X-PROGRAM-DATE-TIME:${dateTime(programDateTimeMs)}`,
      `#EXTINF:${seconds(durationUs)},`,
      `#EXT-X-TILES:RESOLUTION=${width}x${height},LAYOUT=${columns}x${rows},DURATION=${seconds(durationUs / (columns * rows))}`,
      uriOf(image),
    );
  }
  if (ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** The line of a multivariant playlist that names the image playlist; none without pictures. */
export function imageVariants(images: readonly ThumbnailImage[], query: string): readonly string[] {
  const newest = images.at(-1);
  if (newest === undefined) return [];
  const peak = Math.max(...images.map(({ sizeBytes, durationUs }) => Math.ceil((sizeBytes * 8_000_000) / durationUs)));
  // To two digits, so that it stays the same while pictures come.
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, peak))) - 1);
  const bandwidth = Math.ceil(peak / unit) * unit;
  const size = `${newest.width}x${newest.height}`;
  return [`#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=${bandwidth},CODECS="jpeg",RESOLUTION=${size},URI="${thumbnailsName}.m3u8${query}"`];
}

function cueTime(us: number): string {
  const ms = Math.max(0, Math.round(us / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor((ms % 3_600_000) / 60_000)];
  return `${two(hours)}:${two(minutes)}:${two(Math.floor((ms % 60_000) / 1000))}.${String(ms % 1000).padStart(3, '0')}`;
}

/**
 * A WebVTT track whose cues name pictures by media fragments (`#xywh`), for players that take one.
 * @param originUs place on the stream's timeline that a player calls zero: where its playlist begins
 */
export function renderThumbnailTrack(images: readonly ThumbnailImage[], originUs: number): string {
  const cues = images.flatMap((image) => {
    const { columns, rows, width, height, startUs, durationUs } = image;
    const tileUs = durationUs / (columns * rows);
    return Array.from({ length: columns * rows }, (_, index) => {
      const fromUs = startUs - originUs + index * tileUs;
      if (fromUs + tileUs <= 0) return '';
      const place = `${(index % columns) * width},${Math.floor(index / columns) * height},${width},${height}`;
      return `\n${cueTime(fromUs)} --> ${cueTime(fromUs + tileUs)}\n${uriOf(image)}#xywh=${place}\n`;
    });
  });
  return `WEBVTT\n${cues.join('')}`;
}
