import { crc32 } from './crc.core.ts';

/** Packet identifiers of our transport streams. */
export const pids = { pat: 0, pmt: 0x1000, video: 0x100, audio: 0x101 } as const;
const programNumber = 1;

/** Stream types, ISO/IEC 13818-1 table 2-34. */
export type StreamType = 0x03 | 0x04 | 0x0f | 0x1b | 0x24;

/** Program association section, section 2.4.4.3: one program. */
export function programAssociation(): Uint8Array {
  return section(0x00, 1, [0xe0 | (pids.pmt >> 8), pids.pmt & 0xff], [programNumber >> 8, programNumber & 0xff]);
}

export interface ProgramStreams {
  readonly video?: StreamType | undefined;
  readonly audio?: StreamType | undefined;
}

/** Program map section, section 2.4.4.8: the clock is on the picture, or on the sound where there is none. */
export function programMap({ video, audio }: ProgramStreams): Uint8Array {
  const clock = video === undefined ? pids.audio : pids.video;
  const entries = [...(video === undefined ? [] : entry(video, pids.video)), ...(audio === undefined ? [] : entry(audio, pids.audio))];
  return section(0x02, programNumber, [0xe0 | (clock >> 8), clock & 0xff, 0xf0, 0, ...entries]);
}

function entry(type: StreamType, pid: number): readonly number[] {
  return [type, 0xe0 | (pid >> 8), pid & 0xff, 0xf0, 0];
}

/** A section with its pointer field before and its checksum behind; `prefix` stands before the body of an association. */
function section(tableId: number, extension: number, body: readonly number[], prefix: readonly number[] = []): Uint8Array {
  const rest = [...prefix, ...body];
  const length = 5 + rest.length + 4;
  // Version 0, current, the only section.
  const head = [tableId, 0xb0 | (length >> 8), length & 0xff, extension >> 8, extension & 0xff, 0xc1, 0, 0, ...rest];
  const crc = crc32(Uint8Array.from(head));
  return Uint8Array.from([0, ...head, crc >>> 24, (crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff]);
}
