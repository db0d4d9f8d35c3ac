import { FlvError } from '#core/flv';
import { Fmp4Error, Fmp4Splitter, isSync, readSampleEntry, type Fragment, type SampleEntry, type TrackInit } from '#core/fmp4';
import { adtsHeader } from './adts.core.ts';
import { avcStream, hevcStream, type ByteStream } from './annex-b.core.ts';
import { MpegTsError } from './errors.ts';
import { fillPackets, packetsOf, PacketWriter } from './packet-writer.core.ts';
import { pes, type Pes } from './pes.core.ts';
import { pids, programAssociation, programMap, type StreamType } from './psi.core.ts';

/** One track of a segment, as it is stored. */
export interface TsTrack {
  readonly init: Uint8Array;
  readonly segment: Uint8Array;
}

export interface TsSegment {
  readonly mediaSequence: number;
  /** A picture, a sound, or one of each. */
  readonly tracks: readonly TsTrack[];
}

const clockRate = 90_000;
/** Added to all times, in 90 kHz: the clock runs ahead of the first frame, and is no negative number. */
export const tsOriginTicks = 10 * clockRate;
/** How long before it is due a frame begins to arrive. */
const leadTicks = clockRate / 2;
/** Frames of sound that share a PES, by their length: a header for each would cost a tenth. */
const soundTicksMax = clockRate / 10;
const boxBytesMax = 256 * 1024 * 1024;

/** True for a codec (RFC 6381) that players expect in a transport stream. */
export function canBeTransported(codecs: string): boolean {
  return /^(avc1|avc3|hvc1|hev1|mp4a\.40\.(2|5|29|34)$|mp4a\.6[b9]$)/i.test(codecs);
}

/**
 * The same samples as MPEG transport stream (ISO/IEC 13818-1): one program, the clock on the picture, frames in the order of
 * their decode times. Pure: the same segments give the same bytes. Continuity goes over segments without knowing the one
 * before: the media's packets are a multiple of sixteen in each segment, and the tables, once in each, count with its number.
 * @throws MpegTsError for codecs that cannot be carried and for segments that cannot be read
 */
export function segmentToTs({ mediaSequence, tracks }: TsSegment): Uint8Array {
  try {
    const sources = tracks.map(parsed);
    const [picture, sound] = [one(sources, 'video'), one(sources, 'audio')];
    if (picture === undefined && sound === undefined) throw new MpegTsError('There is nothing to carry.');
    return multiplexed(picture === undefined ? undefined : videoOf(picture), sound === undefined ? undefined : audioOf(sound), mediaSequence);
  } catch (error) {
    if (error instanceof Fmp4Error || error instanceof FlvError) throw new MpegTsError(error.message, error);
    throw error;
  }
}

interface Elementary {
  readonly streamType: StreamType;
  readonly pes: readonly Pes[];
}

/** @throws MpegTsError for two of a kind */
function one(sources: readonly Parsed[], kind: 'video' | 'audio'): Parsed | undefined {
  const found = sources.filter(({ track }) => track.kind === kind);
  if (found.length > 1) throw new MpegTsError(`A transport stream of ours has one track of ${kind}.`);
  return found[0];
}

function multiplexed(picture: Elementary | undefined, sound: Elementary | undefined, mediaSequence: number): Uint8Array {
  const all = [...(picture?.pes ?? []), ...(sound?.pes ?? [])].toSorted((a, b) => a.decodeTicks - b.decodeTicks);
  const clockPid = picture === undefined ? pids.audio : pids.video;
  const counts = all.map((packet) => packetsOf(packet, packet.pid === clockPid));
  for (const pid of [pids.video, pids.audio]) {
    const last = all.findLastIndex((packet) => packet.pid === pid);
    if (last < 0) continue;
    const packets = all.reduce((sum, packet, index) => sum + (packet.pid === pid ? (counts[index] as number) : 0), 0);
    counts[last] = (counts[last] as number) + fillPackets(packets);
  }
  const writer = new PacketWriter(2 + counts.reduce((sum, count) => sum + count, 0));
  writer.section(pids.pat, mediaSequence, programAssociation());
  writer.section(pids.pmt, mediaSequence, programMap({ video: picture?.streamType, audio: sound?.streamType }));
  all.forEach((packet, index) => writer.pes(packet, counts[index] as number, packet.pid === clockPid ? packet.decodeTicks - leadTicks : undefined));
  return writer.done();
}

interface Parsed {
  readonly track: TrackInit;
  readonly entry: SampleEntry;
  readonly fragments: readonly Fragment[];
}

function parsed({ init, segment }: TsTrack): Parsed {
  const splitter = new Fmp4Splitter({ boxBytesMax });
  const [head] = splitter.push(init);
  if (head?.kind !== 'init') throw new MpegTsError('An initialisation segment has no moov.');
  const fragments = splitter.push(segment).flatMap((part) => (part.kind === 'fragment' ? [part.fragment] : []));
  if (fragments.length === 0) throw new MpegTsError('A segment has no fragments.');
  return { track: head.track, entry: readSampleEntry(init), fragments };
}

function videoStream({ type, config }: SampleEntry): ByteStream {
  if (type === 'avc1' || type === 'avc3') return avcStream(config);
  if (type === 'hvc1' || type === 'hev1') return hevcStream(config);
  throw new MpegTsError(`Pictures of ${type} are not carried in transport streams.`);
}

function videoOf({ track, entry, fragments }: Parsed): Elementary {
  const stream = videoStream(entry);
  const toTicks = (ticks: number): number => Math.round((ticks * clockRate) / track.timescale);
  // A frame is decoded before it is shown: what was moved for segments is moved back.
  const shift = Math.max(entry.shiftTicks, ...fragments.flatMap(({ samples }) => samples.map(({ compositionOffset }) => -compositionOffset)));
  const all: Pes[] = [];
  for (const { baseDecodeTime, samples } of fragments) {
    let ticks = baseDecodeTime;
    for (const sample of samples) {
      const presentationTicks = tsOriginTicks + toTicks(ticks + sample.compositionOffset);
      const decodeTicks = tsOriginTicks + toTicks(ticks - shift);
      const isEntry = isSync(sample);
      all.push(pes('video', { pid: pids.video, presentationTicks, decodeTicks, isEntry, payload: stream.accessUnit(sample.data, isEntry) }));
      ticks += sample.duration;
    }
  }
  return { streamType: stream.streamType, pes: all };
}

/** Layer III by the object type of its descriptor. */
const layerThree: Readonly<Record<number, StreamType>> = { 0x6b: 0x03, 0x69: 0x04 };

function audioOf({ track, entry, fragments }: Parsed): Elementary {
  const isAac = entry.type === 'mp4a' && entry.objectType === 0x40;
  const streamType = isAac ? 0x0f : entry.type === 'mp4a' ? layerThree[entry.objectType ?? 0] : undefined;
  if (streamType === undefined) throw new MpegTsError(`Sound of ${track.codecs} is not carried in transport streams.`);
  const header = isAac ? adtsHeader(entry.config) : undefined;
  const toTicks = (ticks: number): number => tsOriginTicks + Math.round((ticks * clockRate) / track.timescale);
  const all: Pes[] = [];
  for (const { baseDecodeTime, samples } of fragments) {
    let ticks = baseDecodeTime;
    let at = toTicks(ticks);
    let payload: Uint8Array[] = [];
    const close = (): void => {
      if (payload.length > 0) all.push(pes('audio', { pid: pids.audio, presentationTicks: at, decodeTicks: at, isEntry: true, payload }));
      payload = [];
      at = toTicks(ticks);
    };
    for (const { data, duration } of samples) {
      payload.push(...(header === undefined ? [] : [header(data.length)]), data);
      ticks += duration;
      if (toTicks(ticks) - at >= soundTicksMax) close();
    }
    close();
  }
  return { streamType, pes: all };
}
