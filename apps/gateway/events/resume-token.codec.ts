import { contexts, topicPartitions, type Context } from '#events';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { filterText, laneIndex, lanes, lanesOf, type EventFilter, type Positions } from './event-filter.core.ts';

/** What is read with a token, and in which direction. */
export type TokenKind = 'live' | 'oldest' | 'newest';

/** Where a reader stood, by lane; undefined for a lane that the token does not know, because its topic is newer. */
export type TokenPositions = ReadonlyArray<bigint | undefined>;

export type TokenRefusal = 'broken' | 'outdated' | 'other-filter';

export type ParsedToken = { readonly positions: TokenPositions } | { readonly refused: TokenRefusal };

const version = 2;
const kinds: readonly TokenKind[] = ['live', 'oldest', 'newest'];
const filterBytes = 8;
const signatureBytes = 16;
/** Version, kind and filter. */
const headBytes = 2 + filterBytes;
const textMax = 4_096;

/** LEB128: seven bits a byte, the lowest first. */
function pushVarint(out: number[], value: bigint): void {
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
}

/** Reads what {@link pushVarint} and its callers wrote. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the token ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of more than 64 bits');
  }

  text(): string {
    const length = Number(this.varint());
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString('latin1');
    this.#at += length;
    return text;
  }
}

/**
 * Resume tokens: a version, a kind, the first bytes of the filter's SHA-256, then per topic of the filter its name and the
 * positions of its partitions, and an HMAC over all of it; base64url. Positions go by name, so a token outlives a new
 * topic. A token is opaque to clients and grants nothing: reading needs a key anyway.
 */
export class ResumeTokens {
  readonly #secret: Uint8Array;
  /** Bytes of a filter's hash; filters are few, and their objects live as long as their readers. */
  readonly #filters = new WeakMap<EventFilter, { readonly hash: Buffer; readonly lanes: readonly number[] }>();

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Names the filter; readers with the same filter get the same name. */
  filterName(filter: EventFilter): string {
    return this.#known(filter).hash.toString('hex');
  }

  format(kind: TokenKind, filter: EventFilter, positions: Positions): string {
    const known = this.#known(filter);
    const out = [version, kinds.indexOf(kind), ...known.hash];
    let at = 0;
    while (at < known.lanes.length) {
      const { topic } = lanes[known.lanes[at] as number] as { topic: Context };
      let end = at;
      while (end < known.lanes.length && lanes[known.lanes[end] as number]?.topic === topic) end++;
      out.push(topic.length, ...Buffer.from(topic, 'latin1'));
      pushVarint(out, BigInt(end - at));
      for (; at < end; at++) {
        const lane = known.lanes[at] as number;
        pushVarint(out, BigInt((lanes[lane] as { partition: number }).partition));
        pushVarint(out, positions[lane] as bigint);
      }
    }
    const body = Uint8Array.from(out);
    return Buffer.concat([body, this.#sign(body)]).toString('base64url');
  }

  parse(kind: TokenKind, filter: EventFilter, text: string): ParsedToken {
    if (text.length > textMax || !/^[A-Za-z0-9_-]+$/.test(text)) return { refused: 'broken' };
    const bytes = Buffer.from(text, 'base64url');
    // Tokens of version 1 had no signature; what looks like one is told that it is old, whatever it is.
    if (bytes[0] === 1) return { refused: 'outdated' };
    const body = bytes.subarray(0, -signatureBytes);
    if (body.length < headBytes || bytes.length < headBytes + signatureBytes) return { refused: 'broken' };
    if (!timingSafeEqual(this.#sign(body), bytes.subarray(-signatureBytes))) return { refused: 'broken' };
    if (body[0] !== version || body[1] !== kinds.indexOf(kind)) return { refused: 'broken' };
    if (!body.subarray(2, headBytes).equals(this.#known(filter).hash)) return { refused: 'other-filter' };
    return { positions: positionsOf(body) };
  }

  #known(filter: EventFilter): { readonly hash: Buffer; readonly lanes: readonly number[] } {
    let known = this.#filters.get(filter);
    if (known === undefined) {
      known = { hash: createHash('sha256').update(filterText(filter)).digest().subarray(0, filterBytes), lanes: lanesOf(filter) };
      this.#filters.set(filter, known);
    }
    return known;
  }

  #sign(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(body).digest().subarray(0, signatureBytes);
  }
}

/** The signature proves that the body is as we wrote it. */
function positionsOf(body: Uint8Array): TokenPositions {
  const positions: (bigint | undefined)[] = lanes.map(() => undefined);
  for (const reader = new Reader(body, headBytes); !reader.ended;) {
    const topic = reader.text();
    for (let left = reader.varint(); left > 0n; left--) {
      const partition = Number(reader.varint());
      const position = reader.varint();
      const known = contexts.find((one) => one === topic);
      if (known !== undefined && partition < topicPartitions) positions[laneIndex(known, partition)] = position;
    }
  }
  return positions;
}
