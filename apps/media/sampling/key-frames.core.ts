import { Fmp4Splitter, writeFragment } from '#core/fmp4';

/** More than any key frame has, bytes. */
const boxBytesMax = 64 * 1024 * 1024;

/**
 * A file of key frames alone: of each segment the first sample, which a segment begins with. That no more than these is decoded
 * can be asked of a decoder, but not all know it (libdav1d does not), and a fragment may have several of them.
 *
 * @param leading the first fragment of each segment
 * @returns the initialisation, and one fragment for each that was given
 * @throws Fmp4Error when something is no fragmented MP4 of one track
 */
export function keyFramesOf(init: Uint8Array, leading: readonly Uint8Array[]): readonly Uint8Array[] {
  const splitter = new Fmp4Splitter({ boxBytesMax });
  const [track] = splitter.push(init).flatMap((part) => (part.kind === 'init' ? [part.track] : []));
  if (track === undefined) return [];
  const fragments = leading.flatMap((bytes) => splitter.push(bytes).flatMap((part) => (part.kind === 'fragment' ? [part.fragment] : [])));
  return [
    init,
    ...fragments.map(({ baseDecodeTime, samples }, at) =>
      writeFragment({ sequence: at + 1, trackId: track.trackId, baseDecodeTime, samples: samples.slice(0, 1) }),
    ),
  ];
}
