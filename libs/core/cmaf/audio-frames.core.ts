import { RemuxError } from './errors.ts';

export interface Mp3Frame {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly samples: number;
  readonly isMpeg1: boolean;
}

/** Hz by index, of MPEG-1; half of it in MPEG-2 and a quarter in MPEG-2.5. */
const mp3Rates = [44_100, 48_000, 32_000];

/** The header of a layer III frame, ISO/IEC 11172-3 section 2.4.1.3. @throws RemuxError `REMUX_INVALID` */
export function mp3Frame(frame: Uint8Array): Mp3Frame {
  const [first = 0, second = 0, third = 0, fourth = 0] = frame;
  const version = (second >> 3) & 3;
  const rate = mp3Rates[(third >> 2) & 3];
  if (first !== 0xff || second < 0xe0 || version === 1 || ((second >> 1) & 3) !== 1 || rate === undefined)
    throw new RemuxError('REMUX_INVALID', 'A frame of MP3 does not begin with its header.');
  const isMpeg1 = version === 3;
  const sampleRate = isMpeg1 ? rate : version === 2 ? rate / 2 : rate / 4;
  return { sampleRate, channels: fourth >> 6 === 3 ? 1 : 2, samples: isMpeg1 ? 1152 : 576, isMpeg1 };
}

/** Samples at 48 kHz of one frame, by the configuration in the first byte of a packet (RFC 6716 section 3.1). */
function opusFrameSamples(configuration: number): number {
  if (configuration < 12) return [480, 960, 1920, 2880][configuration & 3] as number;
  return configuration < 16 ? 480 << (configuration & 1) : 120 << (configuration & 3);
}

/** What a packet may last, samples: 120 ms. */
const opusSamplesMax = 5760;

/** How many samples at 48 kHz a packet of Opus decodes to. @throws RemuxError `REMUX_INVALID` */
export function opusSamples(packet: Uint8Array): number {
  const first = packet[0];
  if (first === undefined) throw new RemuxError('REMUX_INVALID', 'A packet of Opus is empty.');
  const code = first & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  const samples = frames * opusFrameSamples(first >> 3);
  if (samples === 0 || samples > opusSamplesMax) throw new RemuxError('REMUX_INVALID', `A packet of Opus with ${frames} frames cannot be.`);
  return samples;
}
