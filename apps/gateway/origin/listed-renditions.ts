import type { ReadRow } from '#ports';
import { isFurtherSound } from './measured-bandwidth.core.ts';
import type { StreamWindow } from './stream-window.ts';

/**
 * What a multivariant playlist of a window names, best first. Of what is closed all that has segments in it, whatever was made
 * last: a stream whose sound is heard for longer than its picture is seen keeps the picture. Of a live stream what is made, as
 * soon as there is a playlist of it; and the pictures of the newest encoder that had any, while those of now have none: whoever
 * begins to watch meanwhile reads no multivariant playlist again when the picture is back.
 */
export function listedRenditions(window: StreamWindow): readonly ReadRow[] {
  const hasSegments = ({ name }: ReadRow): boolean => window.segments(String(name)).length > 0;
  const shown = window.everyRendition.filter(hasSegments);
  if (window.isWhole) return shown;
  // Further sounds are a choice: who begins before they come should have it, too.
  const made = window.renditions.filter((row) => shown.includes(row) || isFurtherSound(row));
  const pictures = shown.filter(({ kind }) => kind === 'video');
  return made.some(({ kind }) => kind === 'video') ? made : [...newestOf(pictures), ...made];
}

function newestOf(pictures: readonly ReadRow[]): readonly ReadRow[] {
  const orderOf = (row: ReadRow): bigint => BigInt((row['encoding_order'] as bigint | number | string | null) ?? -1);
  let newest = -1n;
  for (const row of pictures) if (orderOf(row) > newest) newest = orderOf(row);
  return pictures.filter((row) => orderOf(row) === newest);
}
