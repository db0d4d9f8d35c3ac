import { ascii, box, fullBox, uint16, uint32, zeros, type BoxPart } from './box-writer.core.ts';
import type { CmafTrack } from './track.ts';

/** Nothing turned, nothing scaled (ISO/IEC 14496-12 section 8.2.2). */
const matrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].flatMap(uint32);
const undetermined = 0x55c4;
const enabledInMovie = 3;

/**
 * The initialisation segment of a track: ftyp and moov without any sample (ISO/IEC 23000-19 section 7.3.1). Nothing in it
 * depends on the run: the same configuration gives the same bytes.
 * @param shiftTicks what has to be taken from decode times so that none is behind its frame's presentation: above zero for a
 * source with B-frames, whose composition offsets may be negative
 */
export function writeInit(track: CmafTrack, shiftTicks: number): Uint8Array {
  const ftyp = box('ftyp', ascii('iso6'), uint32(0), ascii('iso6cmf2'));
  const moov = box('moov', movieHeader(), trackBox(track), extends_(track, shiftTicks));
  const bytes = new Uint8Array(ftyp.length + moov.length);
  bytes.set(ftyp);
  bytes.set(moov, ftyp.length);
  return bytes;
}

function movieHeader(): Uint8Array {
  const nextTrack = 2;
  return fullBox('mvhd', 0, 0, zeros(8), uint32(1000), zeros(4), uint32(0x10000), uint16(0x100), zeros(10), matrix, zeros(24), uint32(nextTrack));
}

function trackBox(track: CmafTrack): Uint8Array {
  const { kind, trackId, timescale, width = 0, height = 0 } = track;
  const volume = kind === 'audio' ? 0x100 : 0;
  const size = [...uint32(width * 0x10000), ...uint32(height * 0x10000)];
  const header = fullBox('tkhd', 0, enabledInMovie, zeros(8), uint32(trackId), zeros(16), uint16(0), uint16(0), uint16(volume), zeros(2), matrix, size);
  const media = fullBox('mdhd', 0, 0, zeros(8), uint32(timescale), zeros(4), uint16(undetermined), zeros(2));
  const handler = fullBox('hdlr', 0, 0, zeros(4), ascii(kind === 'video' ? 'vide' : 'soun'), zeros(12), zeros(1));
  const kindHeader = kind === 'video' ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4));
  const inThisFile = box('dinf', fullBox('dref', 0, 0, uint32(1), fullBox('url ', 0, 1)));
  return box('trak', header, box('mdia', media, handler, box('minf', kindHeader, inThisFile, sampleTable(track))));
}

function sampleTable({ entry }: CmafTrack): Uint8Array {
  const none = (type: string): Uint8Array => fullBox(type, 0, 0, uint32(0));
  return box('stbl', fullBox('stsd', 0, 0, uint32(1), entry), none('stts'), none('stsc'), fullBox('stsz', 0, 0, uint32(0), uint32(0)), none('stco'));
}

/** Sections 8.8.1 to 8.8.3, and 8.8.15 with 8.6.1.4 for the shift. */
function extends_({ trackId }: CmafTrack, shiftTicks: number): Uint8Array {
  const defaults = fullBox('trex', 0, 0, uint32(trackId), uint32(1), zeros(12));
  const shift: readonly BoxPart[] = shiftTicks > 0 ? [fullBox('trep', 0, 0, uint32(trackId), fullBox('cslg', 0, 0, uint32(shiftTicks), zeros(16)))] : [];
  return box('mvex', defaults, ...shift);
}
