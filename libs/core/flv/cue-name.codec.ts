/** Script data by which encoders give a moment of their stream a meaning. */
const cueNames: ReadonlySet<string> = new Set(['onCuePoint', 'onTextData', 'onUserDataEvent', 'onUserData', 'onID3']);

const ascii = new TextDecoder('latin1');
const wrapper = '@setDataFrame';

interface Named {
  readonly name: string;
  readonly end: number;
}

/** An AMF 0 string, or that of AMF 3 within one, where it is short and plain; undefined for anything else. */
function nameAt(payload: Uint8Array, at: number): Named | undefined {
  const isAmf3 = payload[at] === 0x11 && payload[at + 1] === 0x06;
  if (!isAmf3 && payload[at] !== 0x02) return undefined;
  // AMF 3 section 1.3.2: the lowest bit says that the string follows; names are too short for a second byte.
  const length = isAmf3 ? (payload[at + 2] ?? 0) >> 1 : ((payload[at + 1] ?? 0) << 8) | (payload[at + 2] ?? 0);
  const end = at + 3 + length;
  return length > 40 || end > payload.length ? undefined : { name: ascii.decode(payload.subarray(at + 3, end)), end };
}

/**
 * The script tag body of a data message that is a cue, whatever is behind its name; undefined for every other message.
 * Told by the name alone, because what cannot be read is to be refused with a reason, and not to end the stream.
 */
export function cueBodyOf(payload: Uint8Array): Uint8Array | undefined {
  const first = nameAt(payload, 0);
  const from = first?.name === wrapper ? first.end : 0;
  const named = from === 0 ? first : nameAt(payload, from);
  return named !== undefined && cueNames.has(named.name) ? payload.slice(from) : undefined;
}

/** Name of the cue that a script tag body is; undefined for every other. */
export function cueNameOf(body: Uint8Array): string | undefined {
  const name = nameAt(body, 0)?.name;
  return name !== undefined && cueNames.has(name) ? name : undefined;
}
