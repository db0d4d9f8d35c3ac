/** A packetized elementary stream packet, complete, and when it is due. Ticks of 90 kHz. */
export interface Pes {
  readonly pid: number;
  readonly decodeTicks: number;
  /** A decoder may begin here. */
  readonly isEntry: boolean;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

export interface PesInit {
  readonly pid: number;
  readonly presentationTicks: number;
  readonly decodeTicks: number;
  readonly isEntry: boolean;
  readonly payload: readonly Uint8Array[];
}

const streamIds: Readonly<Record<'video' | 'audio', number>> = { video: 0xe0, audio: 0xc0 };
/** Timestamps are counted modulo 2^33. */
const modulus = 2 ** 33;

/** ISO/IEC 13818-1 section 2.4.3.6: a decode time only where it differs. */
export function pes(kind: 'video' | 'audio', { pid, presentationTicks, decodeTicks, isEntry, payload }: PesInit): Pes {
  const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0);
  const hasDecode = decodeTicks !== presentationTicks;
  const stamps = hasDecode ? [...stamp(3, presentationTicks), ...stamp(1, decodeTicks)] : stamp(2, presentationTicks);
  const length = 3 + stamps.length + payloadBytes;
  // Pictures may be of any length: 0 says so, and is allowed for video alone.
  const told = kind === 'video' || length > 0xffff ? 0 : length;
  const head = [0, 0, 1, streamIds[kind], told >> 8, told & 0xff, 0x84, hasDecode ? 0xc0 : 0x80, stamps.length, ...stamps];
  return { pid, decodeTicks, isEntry, parts: [Uint8Array.from(head), ...payload], bytes: head.length + payloadBytes };
}

/** 33 bits in five bytes, with markers between. */
function stamp(prefix: number, ticks: number): readonly number[] {
  const value = ((ticks % modulus) + modulus) % modulus;
  const high = Math.floor(value / 2 ** 30);
  const low = value % 2 ** 30;
  return [(prefix << 4) | (high << 1) | 1, (low >> 22) & 0xff, (((low >> 15) & 0x7f) << 1) | 1, (low >> 7) & 0xff, ((low & 0x7f) << 1) | 1];
}
