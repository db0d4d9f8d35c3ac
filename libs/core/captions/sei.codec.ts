/** Which NAL units carry supplemental enhancement information, and how long their heads are. */
export type NalCodec = 'avc' | 'hevc';

const registeredUserData = 4;
/** ITU-T T.35: the United States, the ATSC, and what it calls captions (A/53 part 4, section 6.2.3). */
const captionHead = [0xb5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03] as const;
/** Pairs of one access unit: five bits count them, and two fields may bring their own. */
const pairsMax = 64;

/**
 * The caption pairs of one access unit, as CTA-708 section 4.3 packs them: three bytes each, the first of which is the kind
 * (0 and 1: fields of CEA-608, 2 and 3: CEA-708 packet data and start). Pairs that are marked as invalid are left out. What is
 * no caption data, or cut short, is passed over: undefined where nothing is left.
 * @param unit NAL units, each behind its length
 */
export function captionPairs(unit: Uint8Array, codec: NalCodec, nalLengthBytes: number): Uint8Array | undefined {
  const pairs: number[] = [];
  for (let at = 0; at + nalLengthBytes < unit.length;) {
    let length = 0;
    for (let i = 0; i < nalLengthBytes; i++) length = length * 256 + (unit[at + i] as number);
    at += nalLengthBytes;
    if (isSupplemental(unit[at] as number, codec)) takeMessages(unit.subarray(at + (codec === 'avc' ? 1 : 2), Math.min(unit.length, at + length)), pairs);
    at += length;
  }
  return pairs.length === 0 ? undefined : Uint8Array.from(pairs);
}

/** H.264 table 7-1; H.265 table 7-1: before the picture or behind it. */
function isSupplemental(head: number, codec: NalCodec): boolean {
  if (codec === 'avc') return (head & 0x1f) === 6;
  const type = (head >> 1) & 0x3f;
  return type === 39 || type === 40;
}

/** Of the head of captions: found as it is, for no byte is put between these. */
const [mark, ...markRest] = captionHead.slice(3, 7) as [number, number, number, number];

/** Most messages are of timing, or the encoder's settings: they need not be read. */
function hasMark(nal: Uint8Array): boolean {
  for (let at = nal.indexOf(mark); at >= 0; at = nal.indexOf(mark, at + 1)) if (markRest.every((byte, n) => nal[at + 1 + n] === byte)) return true;
  return false;
}

/** sei_rbsp(), H.264 section 7.3.2.3. */
function takeMessages(nal: Uint8Array, pairs: number[]): void {
  if (!hasMark(nal)) return;
  const bytes = withoutEmulation(nal);
  for (let at = 0; at + 2 < bytes.length;) {
    const type = longNumber(bytes, at);
    const size = longNumber(bytes, type.end);
    if (type.value === registeredUserData) takePairs(bytes.subarray(size.end, size.end + size.value), pairs);
    at = size.end + size.value;
  }
}

/** A number as a row of 255 and a rest. */
function longNumber(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let [value, at] = [0, from];
  while (bytes[at] === 0xff) {
    value += 255;
    at += 1;
  }
  return { value: value + (bytes[at] ?? 0), end: at + 1 };
}

/** cc_data(), CTA-708 table 2. */
function takePairs(data: Uint8Array, pairs: number[]): void {
  if (captionHead.some((byte, at) => data[at] !== byte)) return;
  const flags = data[captionHead.length] ?? 0;
  if ((flags & 0x40) === 0) return;
  const from = captionHead.length + 2;
  for (let i = 0, at = from; i < (flags & 0x1f) && at + 2 < data.length && pairs.length < pairsMax * 3; i++, at += 3) {
    const head = data[at] as number;
    if ((head & 0x04) !== 0) pairs.push(head & 3, data[at + 1] as number, data[at + 2] as number);
  }
}

/** Without the bytes that keep start codes out (H.264 section 7.4.1). */
function withoutEmulation(nal: Uint8Array): Uint8Array {
  const raw = new Uint8Array(nal.length);
  let [length, zeros] = [0, 0];
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    raw[length++] = byte;
  }
  return raw.subarray(0, length);
}
