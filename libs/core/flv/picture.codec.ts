import { parseAv1Config } from './av1.codec.ts';
import { parseAvcConfig } from './avc.codec.ts';
import { trackBodyOf } from './canonical-body.codec.ts';
import { parseHevcConfig } from './hevc.codec.ts';
import { readVideoHeader, videoPayload } from './media-header.codec.ts';

const parsers: Readonly<Record<string, (config: Uint8Array) => { readonly width: number; readonly height: number }>> = {
  avc: parseAvcConfig,
  hvc1: parseHevcConfig,
  av01: parseAv1Config,
};

/**
 * The picture that a video sequence header tells, of any track, pixels; undefined for a codec whose configuration does not.
 * @throws FlvError
 */
export function pictureOf(body: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  const one = trackBodyOf(body, 'video')?.body ?? body;
  return parsers[readVideoHeader(one).codec]?.(one.subarray(videoPayload(one).start));
}
