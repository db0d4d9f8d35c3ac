import { parseAacConfig } from './aac.codec.ts';
import { ByteWriter } from './byte-writer.core.ts';
import { parseOpusConfig } from './codec-config.codec.ts';
import { FlvError } from './errors.ts';
import { audioPayloadStart, readAudioHeader } from './media-header.codec.ts';

/** A frame in which nothing is heard. */
export interface Silence {
  /** An FLV body, head included. */
  readonly body: Uint8Array;
  readonly durationMs: number;
}

/** Syntactic elements by channelConfiguration, ISO/IEC 14496-3 table 1.19: single channel, pair, and the one of low frequencies. */
const single = 0;
const pair = 1;
const lowFrequencies = 3;
const elements: Readonly<Record<number, readonly number[]>> = {
  1: [single],
  2: [pair],
  3: [single, pair],
  4: [single, pair, single],
  5: [single, pair, pair],
  6: [single, pair, pair, lowFrequencies],
};
/** individual_channel_stream (table 4.44): a gain of 8 bits, a long window of no bands, and neither prediction, pulses, TNS nor gain control. */
const channelBits = '01100100' + '0'.repeat(14);
const endOfBlock = '111';
/** What is in use, Hz: a rate that is written out can be anything. */
const sampleRateMin = 7350;
const sampleRateMax = 96_000;

/** RFC 6716 section 3.1: 20 ms of full-band CELT in one frame, mono or stereo, of which the coder sends only that it is silent. */
const opusSilence: Readonly<Record<number, readonly number[]>> = { 1: [0xf8, 0xff, 0xfe], 2: [0xfc, 0xff, 0xfe] };
const opusFrameMs = 20;

/**
 * A frame of silence that a decoder with this configuration takes; undefined for a codec or a layout of channels that has none here.
 * @param config body of the FLV sequence header
 */
export function silenceOf(config: Uint8Array): Silence | undefined {
  try {
    const { codec } = readAudioHeader(config);
    const specific = config.subarray(audioPayloadStart(config));
    if (codec === 'aac') return aacSilence(config, specific);
    return codec === 'Opus' ? opusOf(config, specific) : undefined;
  } catch (error) {
    if (error instanceof FlvError) return undefined;
    throw error;
  }
}

function aacSilence(config: Uint8Array, specific: Uint8Array): Silence | undefined {
  const { objectType, sampleRate, channels } = parseAacConfig(specific);
  const doubled = objectType === 5 || objectType === 29;
  // Parametric stereo has one channel in its core.
  const layout = elements[objectType === 29 ? 1 : channels];
  if (layout === undefined || (objectType !== 2 && !doubled) || sampleRate < sampleRateMin || sampleRate > sampleRateMax) return undefined;
  const body = new ByteWriter()
    .uint8(config[0] as number)
    .uint8(1)
    .bytes(bytesOf(rawBlock(layout)))
    .take();
  return { body, durationMs: (1024 * (doubled ? 2 : 1) * 1000) / sampleRate };
}

/** raw_data_block, table 4.3; elements of a kind are told apart by their tag. */
function rawBlock(layout: readonly number[]): string {
  const seen = new Map<number, number>();
  const blocks = layout.map((element) => {
    const tag = seen.get(element) ?? 0;
    seen.set(element, tag + 1);
    const head = element.toString(2).padStart(3, '0') + tag.toString(2).padStart(4, '0');
    // Of a pair both channels have a window of their own: common_window is 0.
    return head + (element === pair ? `0${channelBits}${channelBits}` : channelBits);
  });
  return blocks.join('') + endOfBlock;
}

function bytesOf(bits: string): Uint8Array {
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  return Uint8Array.from(whole.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

function opusOf(config: Uint8Array, specific: Uint8Array): Silence | undefined {
  const packet = opusSilence[specific.length === 0 ? 2 : parseOpusConfig(specific).channels];
  // Coded frames (packet type 1) under the same FourCC, Enhanced RTMP v2.
  const head = Uint8Array.of(((config[0] as number) & 0xf0) | 1, ...config.subarray(1, 5));
  return packet && { body: Uint8Array.of(...head, ...packet), durationMs: opusFrameMs };
}
