import { FlvError } from '#core/flv';
import { Fmp4Error, Fmp4Splitter, isSync, readSampleEntry, type Fragment, type Sample, type SampleEntry, type TrackInit } from '#core/fmp4';
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
  const frames = framesOf(fragments);
  const decoded = decodeTimes(frames, entry.shiftTicks);
  const all = frames.map(({ ticks, sample }, at) => {
    const presentationTicks = tsOriginTicks + toTicks(ticks + sample.compositionOffset);
    const decodeTicks = tsOriginTicks + toTicks(decoded[at] as number);
    const isEntry = isSync(sample);
    return pes('video', { pid: pids.video, presentationTicks, decodeTicks, isEntry, payload: stream.accessUnit(sample.data, isEntry) });
  });
  return { streamType: stream.streamType, pes: all };
}

interface Frame {
  readonly sample: Sample;
  /** Where a player of segments decodes it. */
  readonly ticks: number;
}

function framesOf(fragments: readonly Fragment[]): readonly Frame[] {
  return fragments.flatMap(({ baseDecodeTime, samples }) => {
    let ticks = baseDecodeTime;
    return samples.map((sample) => ({ sample, ticks: (ticks += sample.duration) - sample.duration }));
  });
}

/** A frame is decoded before it is shown, and at its own pace: what was moved for segments is moved back. */
function decodeTimes(frames: readonly Frame[], shiftTicks: number): readonly number[] {
  const offsets = frames.map(({ sample }) => sample.compositionOffset);
  // Segments of former versions have moved all frames alike.
  const areMovedAlike = offsets.some((offset) => offset < 0) || offsets.every((offset) => offset === 0);
  const shift = Math.max(shiftTicks, ...offsets.map((offset) => -offset));
  if (areMovedAlike || shift === 0) return frames.map(({ ticks }) => ticks - shift);
  const times: number[] = [];
  for (let from = 0; from < frames.length;) {
    const { ticks: shownTicks, sample } = frames[from] as Frame;
    if (!isSync(sample)) {
      times.push(shownTicks);
      from += 1;
      continue;
    }
    // It waits for where it is shown, and those behind it that would have been decoded meanwhile for it.
    let until = from + 1;
    while (until < frames.length && isHeldUp(frames, until)) until += 1;
    const begins = shownTicks - shift;
    const ends = until < frames.length ? (frames[until] as Frame).ticks : shownTicks + 1;
    for (let at = from; at < until; at++) times.push(begins + Math.floor(((at - from) * (ends - begins)) / (until - from)));
    from = until;
  }
  return times;
}

/** It follows the one before it at once. */
function isHeldUp(frames: readonly Frame[], at: number): boolean {
  const [before, { ticks, sample }] = [frames[at - 1] as Frame, frames[at] as Frame];
  return !isSync(sample) && ticks - before.ticks <= 1;
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
