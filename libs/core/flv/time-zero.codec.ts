import { decodeAmf0, encodeAmf0 } from './amf0.codec.ts';
import { FlvError } from './errors.ts';

const name = 'onStreamsTimeZero';

/** Body of the script tag by which a relay says when its session's time zero was, ms since the Unix epoch: when its first frame came. */
export function encodeTimeZero(atMs: number): Uint8Array {
  return encodeAmf0(name, atMs);
}

/** What it says; undefined for every other script tag, and for what is no time. */
export function timeZeroOf(body: Uint8Array): number | undefined {
  try {
    const [said, atMs] = decodeAmf0(body);
    return said === name && typeof atMs === 'number' && Number.isSafeInteger(atMs) && atMs >= 0 ? atMs : undefined;
  } catch (error) {
    if (error instanceof FlvError) return undefined;
    throw error;
  }
}
