import { createHash } from 'node:crypto';

/** One position per lane, in the order of `lanes`. */
export type Positions = readonly bigint[];

export type TokenKind = 'live' | 'oldest' | 'newest';

const version = 1;
const kinds: readonly TokenKind[] = ['live', 'oldest', 'newest'];
const checkBytes = 4;
const textMax = 2_048;

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, checkBytes);
}

/** LEB128: seven bits a byte, the lowest first. */
function pushVarint(out: number[], value: bigint): void {
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
}

/**
 * A token is a version byte, a kind, the positions as varints and a checksum, as base64url. It is opaque to clients and
 * grants nothing: reading needs a key anyway. The checksum finds cut and mistyped tokens.
 */
export function formatToken(kind: TokenKind, positions: Positions): string {
  const out = [version, kinds.indexOf(kind), positions.length];
  for (const position of positions) pushVarint(out, position);
  const body = Uint8Array.from(out);
  return Buffer.concat([body, checksum(body)]).toString('base64url');
}

/** The positions of a token; undefined when the text is not a token of this kind for this number of lanes. */
export function parseToken(kind: TokenKind, text: string, count: number): Positions | undefined {
  if (text.length > textMax || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  const body = bytes.subarray(0, -checkBytes);
  if (body.length < 3 || !checksum(body).equals(bytes.subarray(-checkBytes))) return undefined;
  if (body[0] !== version || body[1] !== kinds.indexOf(kind) || body[2] !== count) return undefined;
  const positions: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of body.subarray(3)) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (shift > 63n) return undefined;
    if ((byte & 0x80) !== 0) continue;
    positions.push(value);
    value = 0n;
    shift = 0n;
  }
  return positions.length === count && shift === 0n ? positions : undefined;
}
