/**
 * RFC 8216bis section 4.4.2.2: where to begin instead of the live edge. Not PRECISE: the frames before it in its segment do
 * no harm.
 */
export function startTag(startSec: number | undefined): readonly string[] {
  return startSec === undefined ? [] : [`#EXT-X-START:TIME-OFFSET=${startSec}`];
}
