import { contexts, topicPartitions, type Context } from '#events';
import { createHash } from 'node:crypto';
import { filterText, laneIndex, lanes, lanesOf, type EventFilter, type Lane, type Positions } from './event-filter.core.ts';
import { nonceBytes, SealedText, tagBytes } from './sealed-text.ts';

/** What is read with a token, and in which direction. */
export type TokenKind = 'live' | 'oldest' | 'newest';

/** Where a reader stood, by lane; undefined for a lane that the token does not know, because its topic is newer. */
export type TokenPositions = ReadonlyArray<bigint | undefined>;

export type TokenRefusal = 'broken' | 'outdated' | 'other-log' | 'other-filter';

export type ParsedToken = { readonly positions: TokenPositions } | { readonly refused: TokenRefusal };

/** Of tokens that were in the clear. */
const oldVersions: readonly (number | undefined)[] = [1, 2];
const version = 3;
const purpose = 'streams resume token 3';
const kinds: readonly TokenKind[] = ['live', 'oldest', 'newest'];
const nameBytes = 8;
/** In the clear: version and log. */
const headBytes = 1 + nameBytes;
/** Sealed, before the positions: kind and filter. */
const bodyBytes = 1 + nameBytes;
/** Numbers are short or long; filled up, a token's length says nothing finer than this of how much is on the log. */
const fillBytes = 64;
const textMax = 4_096;
const smallMax = 0x7fff_ffffn;

/** Bytes behind one another in a buffer that is kept: tokens are made for every delivery to every reader. */
class Writer {
  /** More than any filter's positions need: each topic's name and count, and two numbers for each partition. */
  readonly #bytes = Buffer.alloc(bodyBytes + lanes.length * 16 + contexts.length * 64 + fillBytes);
  #at = 0;

  begin(kind: number, filter: Uint8Array): void {
    this.#bytes[0] = kind;
    this.#bytes.set(filter, 1);
    this.#at = bodyBytes;
  }

  /** LEB128: seven bits a byte, the lowest first. */
  varint(value: bigint | number): void {
    let rest = value;
    // Big integers are an order of magnitude slower, and hardly ever needed.
    if (typeof rest === 'bigint') for (; rest > smallMax; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
    let small = Number(rest);
    for (; small >= 0x80; small >>>= 7) this.#bytes[this.#at++] = (small & 0x7f) | 0x80;
    this.#bytes[this.#at++] = small;
  }

  text(text: string): void {
    this.varint(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  /** What was written, filled up with zeros; good until the next beginning. */
  filled(): Uint8Array {
    const end = Math.ceil((this.#at + 1) / fillBytes) * fillBytes;
    this.#bytes.fill(0, this.#at, end);
    return this.#bytes.subarray(0, end);
  }
}

/** Reads what {@link Writer} wrote. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
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

  /** Empty at the end. */
  text(): string {
    if (this.#at >= this.#bytes.length) return '';
    const length = Number(this.varint());
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString('latin1');
    this.#at += length;
    return text;
  }
}

interface KnownFilter {
  readonly hash: Buffer;
  /** Lanes of each topic that the filter reads. */
  readonly topics: ReadonlyArray<readonly [Context, readonly number[]]>;
}

/**
 * Resume tokens, base64url: a version and the first bytes of the SHA-256 of the log's identity, then sealed the kind, the first
 * bytes of the filter's SHA-256, and per topic of the filter its name and the positions of its partitions, filled up with
 * zeros. Positions go by name, so a token outlives a new topic. They tell how much everybody publishes: a token is for us
 * alone to read, and no two are alike. It grants nothing: reading needs a key anyway. Other keys get another version.
 */
export class ResumeTokens {
  readonly #sealed: SealedText;
  readonly #head: Buffer;
  readonly #writer = new Writer();
  /** What filters come to; they are few, and their objects live as long as their readers. */
  readonly #filters = new WeakMap<EventFilter, KnownFilter>();

  /** @param log identity of the log that positions are of */
  constructor(secret: Uint8Array, log: string) {
    this.#sealed = SealedText.of(secret, purpose);
    this.#head = Buffer.from([version, ...hashOf(log)]);
  }

  /** Names the filter; readers with the same filter get the same name. */
  filterName(filter: EventFilter): string {
    return this.#known(filter).hash.toString('hex');
  }

  format(kind: TokenKind, filter: EventFilter, positions: Positions): string {
    const known = this.#known(filter);
    const out = this.#writer;
    out.begin(kinds.indexOf(kind), known.hash);
    for (const [topic, own] of known.topics) {
      out.text(topic);
      out.varint(own.length);
      for (const lane of own) {
        out.varint((lanes[lane] as Lane).partition);
        out.varint(positions[lane] as bigint);
      }
    }
    return Buffer.concat([this.#head, this.#sealed.seal(out.filled(), this.#head)]).toString('base64url');
  }

  parse(kind: TokenKind, filter: EventFilter, text: string): ParsedToken {
    const opened = this.#open(kind, text);
    if ('refused' in opened) return opened;
    if (!opened.body.subarray(1, bodyBytes).equals(this.#known(filter).hash)) return { refused: 'other-filter' };
    return { positions: positionsOf(opened.body) };
  }

  /** The positions of a live reader's token, whatever it reads: a moment of the log, as far as the filter's topics go. */
  moment(text: string): ParsedToken {
    const opened = this.#open('live', text);
    return 'refused' in opened ? opened : { positions: positionsOf(opened.body) };
  }

  #open(kind: TokenKind, text: string): { readonly body: Buffer } | { readonly refused: TokenRefusal } {
    if (text.length > textMax || !/^[A-Za-z0-9_-]+$/.test(text)) return { refused: 'broken' };
    const bytes = Buffer.from(text, 'base64url');
    // What looks like an old one is told that it is old, whatever it is; and what looks like another log's likewise: with
    // another database come other keys.
    if (oldVersions.includes(bytes[0])) return { refused: 'outdated' };
    if (bytes[0] !== version || bytes.length < headBytes + nonceBytes + bodyBytes + tagBytes) return { refused: 'broken' };
    const head = bytes.subarray(0, headBytes);
    if (!head.equals(this.#head)) return { refused: 'other-log' };
    const body = this.#sealed.open(bytes.subarray(headBytes), head);
    return body === undefined || body[0] !== kinds.indexOf(kind) ? { refused: 'broken' } : { body };
  }

  #known(filter: EventFilter): KnownFilter {
    let known = this.#filters.get(filter);
    if (known === undefined) {
      const topics = Map.groupBy(lanesOf(filter), (lane) => (lanes[lane] as Lane).topic);
      known = { hash: hashOf(filterText(filter)), topics: [...topics] };
      this.#filters.set(filter, known);
    }
    return known;
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, nameBytes);
}

/** The seal proves that the body is as we wrote it. */
function positionsOf(body: Uint8Array): TokenPositions {
  const positions: (bigint | undefined)[] = lanes.map(() => undefined);
  const reader = new Reader(body, bodyBytes);
  for (let topic = reader.text(); topic !== ''; topic = reader.text()) {
    for (let left = reader.varint(); left > 0n; left--) {
      const partition = Number(reader.varint());
      const position = reader.varint();
      const known = contexts.find((one) => one === topic);
      if (known !== undefined && partition < topicPartitions) positions[laneIndex(known, partition)] = position;
    }
  }
  return positions;
}
