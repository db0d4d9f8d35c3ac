import { ByteWriter } from '#core/flv';
import { chunkBytesDefault } from './rtmp.constants.ts';

export interface OutgoingMessage {
  readonly chunkStreamId: number;
  readonly type: number;
  /** Milliseconds modulo 2^32. */
  readonly timestamp: number;
  readonly messageStreamId: number;
  readonly payload: Uint8Array;
}

interface Sent {
  readonly timestamp: number;
  readonly type: number;
  readonly length: number;
  readonly messageStreamId: number;
}

const extendedMarker = 0xffffff;

/** Writes messages as chunks (RTMP 1.0 section 5.3), gathered until `take`: one write to the socket for many messages. */
export class ChunkWriter {
  readonly #out = new ByteWriter(1024);
  readonly #sent = new Map<number, Sent>();
  #chunkBytes = chunkBytesDefault;

  /** Takes effect with the next message; the peer is told by whoever calls this. */
  setChunkBytes(bytes: number): void {
    this.#chunkBytes = bytes;
  }

  get pendingBytes(): number {
    return this.#out.length;
  }

  write(message: OutgoingMessage): void {
    const { chunkStreamId, payload, type, timestamp, messageStreamId } = message;
    const previous = this.#sent.get(chunkStreamId);
    const delta = previous?.messageStreamId === messageStreamId && timestamp >= previous.timestamp ? timestamp - previous.timestamp : undefined;
    const field = delta ?? timestamp;
    const format = delta === undefined ? 0 : previous?.type === type && previous.length === payload.length ? 2 : 1;
    this.#basicHeader(format, chunkStreamId).uint24(Math.min(field, extendedMarker));
    if (format < 2) this.#out.uint24(payload.length).uint8(type);
    if (format === 0) this.#out.uint32LittleEndian(messageStreamId);
    this.#extended(field);
    this.#payload(payload, chunkStreamId, field);
    this.#sent.set(chunkStreamId, { timestamp, type, length: payload.length, messageStreamId });
  }

  /** Everything written since the last call. */
  take(): Uint8Array {
    return this.#out.take();
  }

  #payload(payload: Uint8Array, chunkStreamId: number, field: number): void {
    for (let at = 0; at < payload.length; at += this.#chunkBytes) {
      if (at > 0) {
        this.#basicHeader(3, chunkStreamId);
        this.#extended(field);
      }
      this.#out.bytes(payload.subarray(at, at + this.#chunkBytes));
    }
  }

  #basicHeader(format: number, id: number): ByteWriter {
    const top = format << 6;
    if (id < 64) return this.#out.uint8(top | id);
    if (id < 320) return this.#out.uint8(top).uint8(id - 64);
    return this.#out
      .uint8(top | 1)
      .uint8((id - 64) & 0xff)
      .uint8((id - 64) >> 8);
  }

  #extended(field: number): void {
    if (field >= extendedMarker) this.#out.uint32(field);
  }
}
