import { crc32 } from '#core/mpegts';

/** What of a splice section (ANSI/SCTE 35 section 9) EXT-X-DATERANGE needs. */
export interface SpliceSection {
  /** Hexadecimal with `0x`. */
  readonly hex: string;
  /** Out of the programme, back into it, or anything else. */
  readonly direction: 'out' | 'in' | 'command';
  readonly breakMs: number | undefined;
}

const spliceInsert = 0x05;
const sectionBytesMin = 17;
const sectionBytesMax = 512;
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A section as encoders write it into text, in base64 or hexadecimal; undefined for any other text. */
export function spliceSectionOf(text: string): SpliceSection | undefined {
  const bytes = /^0x(?:[0-9a-f]{2})+$/i.test(text) ? fromHex(text.slice(2)) : fromBase64(text);
  if (bytes === undefined || !isSection(bytes)) return undefined;
  const hex = `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('')}`;
  return { hex, ...commandOf(bytes) };
}

/**
 * What is wrong with the bytes of a section, in the order in which players look; undefined for nothing. A CRC of zero counts as one that
 * was left out, as in RFC 8216bis's own example.
 */
export function spliceProblem(hex: string): string | undefined {
  const bytes = fromHex(hex.slice(2));
  if (bytes[0] !== 0xfc) return `A section begins with 0xFC (its table), not with ${hex.slice(0, 4)}.`;
  const said = lengthOf(bytes) + 3;
  if (bytes.length < sectionBytesMin) return `A section has at least ${sectionBytesMin} bytes; this has ${bytes.length}.`;
  if (said !== bytes.length) return `Its length says ${said} bytes; it has ${bytes.length}.`;
  const hasCrc = bytes.subarray(-4).some((byte) => byte !== 0);
  return hasCrc && crc32(bytes) !== 0 ? 'Its CRC is not that of its bytes: it was changed or cut on its way.' : undefined;
}

/** Table 0xFC whose length is that of the text: nothing else begins like this by accident. */
function isSection(bytes: Uint8Array): boolean {
  return bytes.length >= sectionBytesMin && bytes.length <= sectionBytesMax && bytes[0] === 0xfc && lengthOf(bytes) + 3 === bytes.length;
}

/** What follows the three bytes that tell of it. */
function lengthOf(bytes: Uint8Array): number {
  return (((bytes[1] ?? 0) & 0x0f) << 8) | (bytes[2] ?? 0);
}

/** splice_insert(), section 9.7.3; an encrypted one keeps what it is to itself. */
function commandOf(bytes: Uint8Array): Pick<SpliceSection, 'direction' | 'breakMs'> {
  const at = 14;
  const isEncrypted = ((bytes[4] ?? 0) & 0x80) !== 0;
  const isCancelled = ((bytes[at + 4] ?? 0x80) & 0x80) !== 0;
  if (bytes[13] !== spliceInsert || isEncrypted || isCancelled) return { direction: 'command', breakMs: undefined };
  const flags = bytes[at + 5] ?? 0;
  const [isOut, isProgram, hasDuration, isImmediate] = [0x80, 0x40, 0x20, 0x10].map((bit) => (flags & bit) !== 0);
  let next = at + 6;
  if (isProgram && !isImmediate) next += ((bytes[next] ?? 0) & 0x80) !== 0 ? 5 : 1;
  const breakMs = hasDuration && isProgram ? Math.round(ticksAt(bytes, next) / 90) : undefined;
  return { direction: isOut ? 'out' : 'in', breakMs };
}

/** 33 bits behind seven others, 90 kHz. */
function ticksAt(bytes: Uint8Array, at: number): number {
  let ticks = (bytes[at] ?? 0) & 1;
  for (let i = 1; i < 5; i++) ticks = ticks * 256 + (bytes[at + i] ?? 0);
  return ticks;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16));
}

/** RFC 4648 section 4; undefined for what is none. */
function fromBase64(text: string): Uint8Array | undefined {
  if (text.length > sectionBytesMax * 2 || !/^[A-Za-z0-9+/]{8,}={0,2}$/.test(text)) return undefined;
  const letters = text.replace(/=+$/, '');
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const letter of letters) {
    bits = (bits * 64 + digits.indexOf(letter)) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 0xff);
  }
  return Uint8Array.from(bytes);
}
