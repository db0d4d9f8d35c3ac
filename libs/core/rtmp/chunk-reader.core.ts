import { chunkBytesDefault } from './rtmp.constants.ts';
import { RtmpError } from './errors.ts';
import type { SlabPool } from './slab-pool.core.ts';
import { Arena, TagBuffer } from './tag-buffer.core.ts';

/** Longest chunk header: three bytes basic, eleven message, four extended timestamp (RTMP 1.0 section 5.3.1). */
const headerBytesMax = 18;
/** Bytes of the message header per chunk type (sections 5.3.1.2.1 to 5.3.1.2.4). */
const messageHeaderBytes = [11, 7, 3, 0] as const;
const extendedMarker = 0xffffff;

export interface RtmpMessage {
  readonly type: number;
  /** Milliseconds modulo 2^32, as the peer counts. */
  readonly timestamp: number;
  readonly messageStreamId: number;
  /** Whoever takes the message releases it. */
  readonly body: TagBuffer;
}

/** What the reader remembers of a chunk stream: the last header, and the message that is still arriving. */
class ChunkStream {
  timestamp = 0;
  /** The last header's timestamp field, which a chunk of type 3 repeats as a delta. */
  field = 0;
  extended = false;
  length = 0;
  type = 0;
  messageStreamId = 0;
  body: TagBuffer | undefined;
  missing = 0;
  /** False until a header with a length was seen. */
  known = false;
}

export interface ChunkReaderInit {
  readonly pool: SlabPool;
  readonly messageBytesMax: number;
  readonly chunkStreamsMax?: number;
  /** Sum of the announced sizes of messages that are not complete yet. */
  readonly unfinishedBytesMax?: number;
}

/**
 * Puts chunks together to messages (RTMP 1.0 section 5.3): one state machine over the bytes as they come. Payload is
 * copied once, into a buffer of the message's size; nothing is kept of the input.
 */
export class ChunkReader {
  messageBytesMax: number;
  readonly #arena: Arena;
  readonly #chunkStreamsMax: number;
  readonly #unfinishedBytesMax: number;
  readonly #streams = new Map<number, ChunkStream>();
  readonly #scratch = new Uint8Array(headerBytesMax);
  #scratched = 0;
  /** Bytes taken for a header that turned out to be payload. */
  #pushback: Uint8Array | undefined;
  #chunkBytes = chunkBytesDefault;
  #unfinishedBytes = 0;
  /** The chunk stream whose payload comes next; undefined when a header does. */
  #current: ChunkStream | undefined;
  #chunkMissing = 0;
  #completed: RtmpMessage | undefined;

  constructor(init: ChunkReaderInit) {
    this.#arena = new Arena(init.pool);
    this.messageBytesMax = init.messageBytesMax;
    this.#chunkStreamsMax = init.chunkStreamsMax ?? 32;
    this.#unfinishedBytesMax = init.unfinishedBytesMax ?? 8 * 1024 * 1024;
  }

  /** Section 5.4.1: at least 1, and no more than a message can have. */
  setChunkBytes(bytes: number): void {
    this.#chunkBytes = Math.min(bytes, extendedMarker);
  }

  /** Section 5.4.2: forgets the unfinished message of a chunk stream. */
  abort(chunkStreamId: number): void {
    const stream = this.#streams.get(chunkStreamId);
    if (stream !== undefined) this.#discard(stream);
  }

  /** The message that the last `consume` completed, once. */
  take(): RtmpMessage | undefined {
    const message = this.#completed;
    this.#completed = undefined;
    return message;
  }

  /**
   * Reads on from `at` until a message is complete or the input ends; returns where it stopped.
   * @throws RtmpError on a header that cannot be or a limit; the reader is of no use afterwards.
   */
  consume(input: Uint8Array, at: number): number {
    let position = at;
    while (this.#completed === undefined) {
      if (this.#pushback !== undefined) this.#replay(this.#pushback);
      else if (position < input.length) position = this.#next(input, position);
      else break;
    }
    return position;
  }

  /** A body in the same memory as those of messages, to be filled by the caller. */
  newBody(bodyBytes: number): TagBuffer {
    return new TagBuffer(this.#arena, bodyBytes);
  }

  close(): void {
    this.#completed?.body.release();
    this.#completed = undefined;
    for (const stream of this.#streams.values()) this.#discard(stream);
    this.#arena.close();
  }

  #discard(stream: ChunkStream): void {
    if (stream.body === undefined) return;
    this.#unfinishedBytes -= stream.length;
    stream.body.release();
    stream.body = undefined;
    stream.missing = 0;
  }

  #next(input: Uint8Array, at: number): number {
    return this.#current === undefined ? this.#readHeader(input, at) : this.#readPayload(input, at);
  }

  #replay(bytes: Uint8Array): void {
    this.#pushback = undefined;
    const end = this.#next(bytes, 0);
    if (end < bytes.length) this.#pushback = bytes.subarray(end);
  }

  #readPayload(input: Uint8Array, at: number): number {
    const stream = this.#current as ChunkStream;
    const end = Math.min(at + this.#chunkMissing, input.length);
    (stream.body as TagBuffer).append(input, at, end);
    this.#chunkMissing -= end - at;
    stream.missing -= end - at;
    if (this.#chunkMissing === 0) this.#endChunk(stream);
    return end;
  }

  #endChunk(stream: ChunkStream): void {
    this.#current = undefined;
    if (stream.missing > 0) return;
    this.#unfinishedBytes -= stream.length;
    this.#completed = { type: stream.type, timestamp: stream.timestamp, messageStreamId: stream.messageStreamId, body: stream.body as TagBuffer };
    stream.body = undefined;
  }

  /** Parses a header in place, or gathers it in the scratch when it is split over inputs. */
  #readHeader(input: Uint8Array, at: number): number {
    if (this.#scratched === 0) {
      const used = this.#tryHeader(input, at, input.length);
      if (used > 0) return at + used;
    }
    const before = this.#scratched;
    const count = Math.min(headerBytesMax - before, input.length - at);
    for (let i = 0; i < count; i++) this.#scratch[before + i] = input[at + i] as number;
    this.#scratched = before + count;
    if (before === 0) return at + count;
    const used = this.#tryHeader(this.#scratch, 0, this.#scratched);
    if (used === 0) return at + count;
    this.#scratched = 0;
    if (used >= before) return at + used - before;
    // The extended timestamp that was waited for is not there: what was gathered is payload.
    this.#pushback = this.#scratch.slice(used, before);
    return at;
  }

  /** Length of the header at `at`, which is then in effect; 0 when it is not all there. */
  #tryHeader(source: Uint8Array, at: number, end: number): number {
    const first = source[at] as number;
    const format = first >> 6;
    const low = first & 0x3f;
    const basic = low > 1 ? 1 : low + 2;
    let need = basic + (messageHeaderBytes[format] as number);
    if (at + need > end) return 0;
    const id = low > 1 ? low : 64 + (source[at + 1] as number) + (low === 1 ? (source[at + 2] as number) * 256 : 0);
    const stream = this.#streams.get(id) ?? this.#newStream(id);
    const message = at + basic;
    const field = format === 3 ? stream.field : readUint24(source, message);
    const extended = format === 3 ? stream.extended : field === extendedMarker;
    let value = field;
    if (extended) {
      if (at + need + 4 > end) return 0;
      value = readUint32(source, at + need);
      // Section 5.3.1.3 wants the extended timestamp in type 3 chunks too, but some encoders leave it out there.
      if (format !== 3 || value === stream.field) need += 4;
      else value = field;
    }
    this.#begin(stream, format, { source, message, value, extended });
    return need;
  }

  #newStream(id: number): ChunkStream {
    if (this.#streams.size >= this.#chunkStreamsMax) throw new RtmpError('RTMP_LIMIT_EXCEEDED', `More than ${this.#chunkStreamsMax} chunk streams are in use.`);
    const stream = new ChunkStream();
    this.#streams.set(id, stream);
    return stream;
  }

  #begin(stream: ChunkStream, format: number, header: { source: Uint8Array; message: number; value: number; extended: boolean }): void {
    // A new header in the middle of a message gives the old one up, as encoders do after an abort.
    if (format !== 3) this.#discard(stream);
    if (format <= 1) {
      stream.length = readUint24(header.source, header.message + 3);
      stream.type = header.source[header.message + 6] as number;
      stream.known = true;
    }
    if (!stream.known) throw new RtmpError('RTMP_CHUNK_INVALID', `A chunk of type ${format} refers to a header that was never sent.`);
    if (format === 0) stream.messageStreamId = readUint32LittleEndian(header.source, header.message + 7);
    if (stream.body === undefined) this.#beginMessage(stream, format, header.value, header.extended);
    this.#current = stream;
    this.#chunkMissing = Math.min(stream.missing, this.#chunkBytes);
    if (this.#chunkMissing === 0) this.#endChunk(stream);
  }

  #beginMessage(stream: ChunkStream, format: number, value: number, extended: boolean): void {
    if (stream.length > this.messageBytesMax)
      throw new RtmpError('RTMP_MESSAGE_TOO_LARGE', `A message of ${stream.length} bytes is over the limit of ${this.messageBytesMax}.`);
    this.#unfinishedBytes += stream.length;
    if (this.#unfinishedBytes > this.#unfinishedBytesMax) throw new RtmpError('RTMP_LIMIT_EXCEEDED', 'Too many messages are unfinished at once.');
    // Section 5.3.1.2.4: a type 3 chunk that starts a message repeats the last delta, or the timestamp of a type 0 chunk as a delta.
    stream.timestamp = format === 0 ? value : (stream.timestamp + value) >>> 0;
    stream.field = value;
    stream.extended = extended;
    stream.body = new TagBuffer(this.#arena, stream.length);
    stream.missing = stream.length;
  }
}

function readUint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) * 0x1000000 + readUint24(bytes, at + 1)) >>> 0;
}

function readUint32LittleEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
}
