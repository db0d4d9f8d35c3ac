import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { ChunkReader, type RtmpMessage } from './chunk-reader.core.ts';
import { ChunkWriter, type OutgoingMessage } from './chunk-writer.core.ts';
import { SlabPool } from './slab-pool.core.ts';

type Read = Omit<OutgoingMessage, 'chunkStreamId'>;

function readAll(reader: ChunkReader, input: Uint8Array, pieceBytes = input.length): Read[] {
  const messages: Read[] = [];
  for (let from = 0; from < input.length; from += pieceBytes) {
    const piece = input.subarray(from, from + pieceBytes);
    for (let at = 0, message: RtmpMessage | undefined; ;) {
      at = reader.consume(piece, at);
      message = reader.take();
      if (message === undefined) break;
      const { type, timestamp, messageStreamId, body } = message;
      messages.push({ type, timestamp, messageStreamId, payload: body.copyBody() });
      body.release();
    }
  }
  return messages;
}

function newReader(init: Partial<ConstructorParameters<typeof ChunkReader>[0]> = {}): ChunkReader {
  return new ChunkReader({ pool: new SlabPool({ slabBytes: 512 }), messageBytesMax: 1 << 20, ...init });
}

function bytes(...parts: Array<number | readonly number[]>): Uint8Array {
  return Uint8Array.from(parts.flat());
}

function payload(length: number): number[] {
  return Array.from({ length }, (_, i) => i & 0xff);
}

describe('what the writer writes, the reader reads', () => {
  test.each([1, 5, 128, 4096, 65_536])('in chunks of %i bytes, cut at any place', (chunkBytes) => {
    const prng = new Prng(chunkBytes);
    const writer = new ChunkWriter();
    writer.setChunkBytes(chunkBytes);
    const messages: OutgoingMessage[] = [];
    let timestamp = 0xfffff0;
    for (let i = 0; i < 60; i++) {
      // Repeats sizes, types and times, so that all header types occur; now and then a step beyond 24 bits, or back.
      timestamp = (timestamp + prng.pick([0, 0, 20, 20, 33, 0x1000000, -50])) >>> 0;
      const chunkStreamId = prng.pick([2, 3, 4, 63, 64, 319, 320, 65_599]);
      const message = {
        chunkStreamId,
        type: prng.pick([8, 9, 18]),
        timestamp,
        messageStreamId: prng.pick([0, 1]),
        payload: Uint8Array.from(payload(prng.pick([0, 1, 10, 10, 127, 128, 129, 700]))),
      };
      messages.push(message);
      writer.write(message);
    }
    const input = writer.take();
    for (const pieceBytes of [1, 13, input.length]) {
      const reader = newReader();
      reader.setChunkBytes(chunkBytes);
      expect(readAll(reader, input, pieceBytes)).toEqual(messages.map(({ chunkStreamId: _, ...rest }) => rest));
    }
  });
});

describe('chunks as encoders send them', () => {
  const start = (id: number, timestamp: readonly number[], length: number, type: number): number[] => [id, ...timestamp, 0, 0, length, type, 1, 0, 0, 0];

  test('a chunk of type 3 begins a message with the last delta, or the first timestamp as one', () => {
    const input = bytes(start(4, [0, 0, 10], 2, 8), [1, 1], [0xc4, 2, 2], [0x84, 0, 0, 5, 3, 3], [0xc4, 4, 4]);
    expect(readAll(newReader(), input).map((message) => message.timestamp)).toEqual([10, 20, 25, 30]);
  });

  test('a first header without a message stream id, as librtmp sends on a new chunk stream', () => {
    const input = bytes([0x44, 0, 0, 7, 0, 0, 1, 9, 0xaa]);
    expect(readAll(newReader(), input)).toEqual([{ type: 9, timestamp: 7, messageStreamId: 0, payload: bytes(0xaa) }]);
  });

  test('two messages arrive chunk by chunk in turn', () => {
    const input = bytes(start(4, [0, 0, 1], 130, 9), payload(128), start(5, [0, 0, 2], 1, 8), [7], [0xc4, 8, 9]);
    expect(readAll(newReader(), input).map(({ type, payload: body }) => [type, body.length])).toEqual([
      [8, 1],
      [9, 130],
    ]);
  });

  test.each([
    ['repeated in each chunk, as the specification wants', [1, 0, 0, 0]],
    ['left out of the chunks that follow, as some do', []],
  ])('an extended timestamp %s', (_name, repeated) => {
    const body = payload(128);
    const input = bytes(start(4, [0xff, 0xff, 0xff], 131, 9), [1, 0, 0, 0], body, [0xc4], repeated, [1, 0, 9], start(4, [0, 0, 1], 1, 8), [5]);
    for (const pieceBytes of [1, 2, 3, 300]) {
      const [first, second] = readAll(newReader(), input, pieceBytes);
      expect(first).toMatchObject({ timestamp: 0x1000000, payload: bytes(body, [1, 0, 9]) });
      expect(second).toMatchObject({ timestamp: 1, payload: bytes(5) });
    }
  });

  test('a new header in the middle of a message gives the old one up', () => {
    const pool = new SlabPool({ slabBytes: 512 });
    const reader = newReader({ pool });
    const input = bytes(start(4, [0, 0, 1], 200, 9), payload(128), start(4, [0, 0, 2], 1, 8), [7]);
    expect(readAll(reader, input)).toMatchObject([{ type: 8, payload: bytes(7) }]);
    reader.close();
    expect(pool.held).toBe(0);
  });

  test('an aborted message is forgotten, and the next is read', () => {
    const reader = newReader();
    readAll(reader, bytes(start(4, [0, 0, 1], 200, 9), payload(128)));
    reader.abort(4);
    reader.abort(99);
    expect(readAll(reader, bytes([0xc4], payload(128), [0xc4], payload(72)))).toMatchObject([{ type: 9, payload: bytes(payload(128), payload(72)) }]);
  });

  test('an empty message is one', () => {
    expect(readAll(newReader(), bytes(start(4, [0, 0, 1], 0, 8)))).toMatchObject([{ type: 8, payload: bytes() }]);
  });
});

describe('bounds', () => {
  const header = (id: number, length: number): number[] => [id, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff, 9, 1, 0, 0, 0];

  test.each([[1], [2], [3]])('a chunk of type %i on a new chunk stream refers to nothing', (format) => {
    if (format === 1) return expect(readAll(newReader(), bytes([0x44, 0, 0, 0, 0, 0, 1, 9, 0]))).toHaveLength(1);
    return expect(() => readAll(newReader(), bytes([(format << 6) | 4, 0, 0, 0, 0]))).toThrow(expect.objectContaining({ code: 'RTMP_CHUNK_INVALID' }));
  });

  test('a message over the limit is refused at its header', () => {
    expect(() => readAll(newReader({ messageBytesMax: 1000 }), bytes(header(4, 1001)))).toThrow(expect.objectContaining({ code: 'RTMP_MESSAGE_TOO_LARGE' }));
  });

  test('the number of chunk streams is limited', () => {
    const reader = newReader({ chunkStreamsMax: 2 });
    readAll(reader, bytes(header(4, 0), header(5, 0), header(4, 0)));
    expect(() => readAll(reader, bytes(header(6, 0)))).toThrow(expect.objectContaining({ code: 'RTMP_LIMIT_EXCEEDED' }));
  });

  test('so is what unfinished messages may come to', () => {
    const reader = newReader({ unfinishedBytesMax: 1500 });
    readAll(reader, bytes(header(4, 1000), payload(1)));
    reader.abort(4);
    expect(() => readAll(newReader({ unfinishedBytesMax: 1500 }), bytes(header(4, 1000), payload(128), header(5, 1000)))).toThrow(
      expect.objectContaining({ code: 'RTMP_LIMIT_EXCEEDED' }),
    );
  });
});
