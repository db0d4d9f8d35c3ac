import { opusConfigOf, parseAacConfig, parseOpusConfig } from '#core/flv';
import { box, fullBox, uint16, uint32, zeros, type BoxPart } from './box-writer.core.ts';
import { mp3Frame, opusSamples } from './audio-frames.core.ts';
import { trackId, type CmafTrack } from './track.ts';

const mpeg4Audio = 0x40;
/** MPEG-1 and MPEG-2 audio, ISO/IEC 14496-1 table 5. */
const mpeg1Audio = 0x6b;
const mpeg2Audio = 0x69;
const opusRate = 48_000;

type Make = (config: Uint8Array, frame: Uint8Array) => CmafTrack;

/** By the codec in the head of an FLV body. FLAC is not here: few players read it in segments. */
const codecs: Readonly<Record<string, Make>> = { aac: aacTrack, Opus: opusTrack, mp3: mp3Track, '.mp3': mp3Track };

export function canCarryAudio(codec: string): boolean {
  return Object.hasOwn(codecs, codec);
}

/**
 * @param config the decoder's configuration; empty for a codec without one
 * @param frame the first frame: MP3 tells what it is in every frame alone
 * @throws FlvError, RemuxError for one that cannot be
 */
export function audioTrack(codec: string, config: Uint8Array, frame: Uint8Array): CmafTrack | undefined {
  return Object.hasOwn(codecs, codec) ? codecs[codec]?.(config, frame) : undefined;
}

function aacTrack(config: Uint8Array): CmafTrack {
  const { objectType, sampleRate, channels, codecs: name } = parseAacConfig(config);
  // Spectral band replication doubles the rate and with it what a frame of the core is long.
  const doubled = objectType === 5 || objectType === 29 ? 2 : 1;
  // frameLengthFlag of a GASpecificConfig that begins right behind the fixed fields (ISO/IEC 14496-3 section 4.4.1).
  const isShort = objectType === 2 && ((config[0] as number) & 7) * 2 + ((config[1] as number) >> 7) !== 15 && ((config[1] as number) & 4) !== 0;
  const samples = (isShort ? 960 : 1024) * doubled;
  const entry = mp4aEntry({ sampleRate, channels: channels || 2, objectType: mpeg4Audio, specific: config });
  return { ...common(sampleRate, channels || 2, name), entry, samplesOf: () => samples };
}

function mp3Track(_config: Uint8Array, frame: Uint8Array): CmafTrack {
  const { sampleRate, channels, isMpeg1 } = mp3Frame(frame);
  const objectType = isMpeg1 ? mpeg1Audio : mpeg2Audio;
  const entry = mp4aEntry({ sampleRate, channels, objectType, specific: undefined });
  return { ...common(sampleRate, channels, `mp4a.${objectType.toString(16)}`), entry, samplesOf: (bytes) => mp3Frame(bytes).samples };
}

/** Encapsulation of Opus in ISOBMFF section 4.3: the identification header, its numbers the other way round. */
function opusTrack(config: Uint8Array): CmafTrack {
  const head = config.length === 0 ? opusConfigOf() : config;
  const { channels } = parseOpusConfig(head);
  const swapped = (from: number, count: number): readonly number[] => [...head.subarray(from, from + count)].reverse();
  const dops = box('dOps', [0, channels], swapped(10, 2), swapped(12, 4), swapped(16, 2), head.subarray(18));
  const entry = box('Opus', ...audioFields(opusRate, channels), dops);
  return { ...common(opusRate, channels, 'opus'), entry, samplesOf: opusSamples };
}

function common(sampleRate: number, channels: number, codecs: string): Omit<CmafTrack, 'entry'> {
  return { trackId, timescale: sampleRate, kind: 'audio', codecs, sampleRate, channels, defaults: { duration: 0, size: 0, flags: 0 } };
}

/** AudioSampleEntry, ISO/IEC 14496-12 section 12.2.3: the rate in 16.16, which higher ones do not fit. */
function audioFields(sampleRate: number, channels: number): readonly BoxPart[] {
  const rate = sampleRate <= 0xffff ? sampleRate : 0;
  return [zeros(6), uint16(1), zeros(8), uint16(channels), uint16(16), zeros(4), uint16(rate), uint16(0)];
}

interface Mp4aEntry {
  readonly sampleRate: number;
  readonly channels: number;
  readonly objectType: number;
  readonly specific: Uint8Array | undefined;
}

/** ISO/IEC 14496-14 section 5.6 and 14496-1 section 7.2.6: descriptors in descriptors. */
function mp4aEntry({ sampleRate, channels, objectType, specific }: Mp4aEntry): Uint8Array {
  const info = specific === undefined ? [] : descriptor(0x05, specific);
  const audioStream = 0x15;
  const decoder = descriptor(0x04, [objectType, audioStream, 0, 0, 0], uint32(0), uint32(0), info);
  const synchronised = descriptor(0x06, [2]);
  const esds = fullBox('esds', 0, 0, descriptor(0x03, uint16(0), [0], decoder, synchronised));
  return box('mp4a', ...audioFields(sampleRate, channels), esds);
}

/** Its length as a base-128 number; a configuration has less than 2 MB. */
function descriptor(tag: number, ...parts: readonly BoxPart[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size = length < 0x80 ? [length] : [0x80 | (length >> 14), 0x80 | ((length >> 7) & 0x7f), length & 0x7f];
  return Uint8Array.from([tag, ...size, ...parts.flatMap((part) => [...part])]);
}
