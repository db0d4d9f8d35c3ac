import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { compressionsAlgorithms, type CompressionAlgorithmValue } from '@platformatic/kafka';
import { decodeEvent, type StoredRecord } from '#events';
import { OperatingError } from '#kernel';
import { appendsKept, advance, decodeProducerState, encodeProducerState, type ProducerGuardState } from './guard/guard-state.codec.ts';
import { BrokerRefusal, deniedError, isProducerLost, mayPass, portError } from './kafka-log.errors.ts';
import { readChunk } from './read/chunk.ts';
import { batchHeaderBytes, encodeBatch, encodeRecords, plainMark } from './wire/record-batch.codec.ts';
import { ByteRoom } from './write/byte-room.ts';

const record = (key: string, value = key): { record: { key: string; headers: Record<string, string>; value: string }; timestamp: number; mark?: string } => ({
  record: { key, headers: { ce_id: `id-${key}`, 'h-😀': 'ü' }, value },
  timestamp: 1_790_000_000_123,
});

interface BatchInit {
  readonly compression?: CompressionAlgorithmValue;
  readonly producer?: bigint;
  readonly isTransactional?: boolean;
}

/** A batch as a broker stores it: with its place in the partition. */
function stored(at: bigint, keys: readonly string[], { compression = 'none', producer = 1n, isTransactional = false }: BatchInit = {}): Buffer {
  const batch = encodeBatch(
    encodeRecords(
      keys.map((key) => record(key)),
      compression,
    ),
    { id: producer, epoch: 0, sequence: 0, isTransactional },
  );
  batch.writeBigInt64BE(at, 0);
  return batch;
}

function fetched(batches: readonly Buffer[], aborted: ReadonlyArray<{ producerId: bigint; firstOffset: bigint }> = []): Parameters<typeof readChunk>[0] {
  return { partition: 3, errorCode: 0, lastStableOffset: 100n, logStartOffset: 0n, aborted, records: Buffer.concat(batches) };
}

describe('record batches', () => {
  test.each(Object.keys(compressionsAlgorithms) as CompressionAlgorithmValue[])('come back as they were, compressed by %s', async (compression) => {
    const keys = ['a', '', 'ключ', 'x'.repeat(3000), '\u0000'];
    const batch = stored(7n, keys, { compression });
    const { records, next } = await readChunk(fetched([batch]), 7n);
    expect(batch.length < stored(7n, keys).length).toBe(compression !== 'none');
    expect(records.map(({ key }) => key)).toEqual(keys);
    expect(records[2]).toEqual({ ...record('ключ').record, partition: 3, offset: 9n, recordedAt: 1_790_000_000_123 });
    expect(next).toBe(12n);
  });

  test('of one small record are not worth compressing', () => {
    expect(stored(0n, ['a'], { compression: 'gzip' })).toEqual(stored(0n, ['a']));
  });

  test('begin where the reader asked, and end where the broker cut them off', async () => {
    const whole = fetched([stored(0n, ['a', 'b', 'c']), stored(3n, ['d', 'e'])]);
    const { records, next } = await readChunk({ ...whole, records: whole.records.subarray(0, whole.records.length - 1) }, 1n);
    expect(records.map(({ key }) => key)).toEqual(['b', 'c']);
    expect(next).toBe(3n);
  });

  test('of aborted transactions are passed over, their offsets too', async () => {
    const batches = [
      stored(0n, ['kept'], { producer: 1n, isTransactional: true }),
      stored(1n, ['lost', 'lost'], { producer: 2n, isTransactional: true }),
      stored(3n, ['plain'], { producer: 2n }),
    ];
    const { records, next } = await readChunk(fetched(batches, [{ producerId: 2n, firstOffset: 1n }]), 0n);
    expect(records.map(({ key, offset }) => [key, offset])).toEqual([
      ['kept', 0n],
      ['plain', 3n],
    ]);
    expect(next).toBe(4n);
  });

  test('keep the headers of each record, whatever those of the record before were', async () => {
    const headers: ReadonlyArray<Record<string, string>> = [
      { ce_type: 'a', tenant: 'one' },
      { ce_type: 'b', tenant: 'one' },
      { ce_type: 'b', tenant: '' },
      { tenant: 'one', ce_type: 'b' },
      { tenant: 'one', cf_type: 'b' },
      { tenant: 'one' },
      {},
      { ce_type: 'a', tenant: 'two', more: 'ü' },
      { ce_type: 'a', tenant: 'too', more: 'ü' },
    ];
    const marks = [undefined, undefined, 'p/1', 'p/2', undefined, 'p/2', 'p/2', undefined, 'p/3'];
    const encoded = encodeRecords(
      headers.map((each, at) => ({ record: { key: 'k', headers: each, value: '' }, timestamp: 1, mark: marks[at] })),
      'lz4',
    );
    const chunk = await readChunk(fetched([encodeBatch(encoded, { id: 1n, epoch: 0, sequence: 0, isTransactional: false })]), 0n);
    // In their order.
    expect(chunk.records.map((each) => Object.entries(each.headers))).toEqual(headers.map((each) => Object.entries(each)));
    expect(chunk.marks).toEqual(marks.map((mark) => mark ?? plainMark));
  });

  function expectUnreadable(records: readonly StoredRecord[], offset: bigint, why: string): void {
    expect(records.map((each) => each.offset)).toEqual([offset]);
    const read = (): unknown => decodeEvent(records[0] as StoredRecord);
    expect(read).toThrow(expect.objectContaining({ code: 'EVENT_DATA_INVALID', field: '', message: expect.stringContaining(why) }));
  }

  /** A limit that tests can afford to pass; test/interop goes beyond the real one. */
  const bodyBytesMax = 1_048_576;
  const zeros = Buffer.alloc(bodyBytesMax + 1);
  /** A frame of one block of 4 MiB: one literal, then the same byte again as often as a block holds. */
  function lz4Bomb(): Buffer {
    const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(16_448, 255), Buffer.from([0])]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(block.length);
    return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]), length, block, Buffer.alloc(4)]);
  }
  test.each<[CompressionAlgorithmValue, () => Buffer]>([
    ['gzip', () => gzipSync(zeros)],
    ['zstd', () => zstdCompressSync(zeros)],
    ['snappy', () => Buffer.from([0x81, 0x80, 0x80, 0x20, 0, 0])],
    ['lz4', lz4Bomb],
  ])('of little that would become too much are not decompressed, by %s, and the rest is read', async (compression, bomb) => {
    const encoded = { count: 5, bytes: bomb(), compression: compressionsAlgorithms[compression].bitmask, baseTimestamp: 1, maxTimestamp: 7 };
    const batch = encodeBatch(encoded, { id: 1n, epoch: 0, sequence: 0, isTransactional: false });
    const { records, bytes, next } = await readChunk(fetched([batch, stored(5n, ['behind it'], { compression })]), 2n, { bodyBytesMax });
    expectUnreadable(records.slice(0, 1), 4n, `more than ${bodyBytesMax} bytes`);
    expect(records.map(({ key, recordedAt }) => [key, recordedAt])).toEqual([
      ['', 7],
      ['behind it', 1_790_000_000_123],
    ]);
    expect([bytes < 1000, next]).toEqual([true, 6n]);
  });

  test('that are too much together are read one after the other', async () => {
    const half = { count: 1, compression: 1, baseTimestamp: 1, maxTimestamp: 1 };
    const body = encodeRecords([record('large', 'x'.repeat(bodyBytesMax / 2))], 'gzip');
    const batches = [0n, 1n, 2n].map((at) => {
      const batch = encodeBatch({ ...half, bytes: body.bytes }, { id: 1n, epoch: 0, sequence: 0, isTransactional: false });
      batch.writeBigInt64BE(at, 0);
      return batch;
    });
    const first = await readChunk(fetched(batches), 0n, { bodyBytesMax });
    expect([first.records.length, first.next]).toEqual([2, 2n]);
    expect((await readChunk(fetched(batches.slice(2)), 2n, { bodyBytesMax })).records).toHaveLength(1);
  });

  /** What compression makes little of. */
  const longKeys = (count: number): string[] => Array.from({ length: count }, (_, at) => Array.from({ length: 40 }, (__, n) => Math.sin(at * 40 + n)).join());

  test('that are many are decompressed together, each as it was', async () => {
    const keys = longKeys(60);
    const batches = [stored(0n, keys.slice(0, 20), { compression: 'gzip' }), stored(20n, ['plain']), stored(21n, keys.slice(20), { compression: 'gzip' })];
    expect(fetched(batches).records.length).toBeGreaterThan(16_384);
    const { records } = await readChunk(fetched(batches), 0n);
    expect(records.map(({ key }) => key)).toEqual([...keys.slice(0, 20), 'plain', ...keys.slice(20)]);
  });

  const several = (body: Buffer): Buffer => Buffer.concat([gzipSync(body.subarray(0, 999)), gzipSync(body.subarray(999))]);
  test.each<[string, (body: Buffer) => Buffer, boolean]>([
    ['in several members', several, true],
    ['with a length that is not its own', (body) => Buffer.concat([gzipSync(body).subarray(0, -4), Buffer.from([1, 0, 0, 0])]), false],
    ['that is none', (body) => body, false],
    ['of records that are cut off', (body) => gzipSync(body.subarray(0, -30)), false],
    ['of anything', (body) => gzipSync(body.toReversed()), false],
    ['of nothing', () => gzipSync(''), false],
  ])('of a foreign gzip %s are read, or one record says why not and the rest is read', async (_, zip, isRead) => {
    const keys = longKeys(40);
    const times = { baseTimestamp: 0, maxTimestamp: 0 };
    const encoded = { count: keys.length, bytes: zip(stored(0n, keys).subarray(batchHeaderBytes)), compression: 1, ...times };
    const foreign = encodeBatch(encoded, { id: 1n, epoch: 0, sequence: 0, isTransactional: false });
    const { records } = await readChunk(fetched([foreign, stored(40n, keys, { compression: 'gzip' })]), 0n);
    const refused = records.slice(0, -keys.length);
    expect(records.slice(-keys.length).map(({ key }) => key)).toEqual(keys);
    if (isRead) expect(refused.map(({ key }) => key)).toEqual(keys);
    else expectUnreadable(refused, 39n, 'The batch does');
  });

  test('with a flipped bit are an error, not an event', async () => {
    const batch = stored(0n, ['a']);
    batch[batch.length - 1] = (batch[batch.length - 1] as number) ^ 1;
    await expect(readChunk(fetched([batch]), 0n)).rejects.toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }));
  });
});

describe('what the log remembers of a producer', () => {
  /** The state after appends of one record each to partition 0. */
  function after(appends: number): ProducerGuardState {
    let state: ProducerGuardState | undefined;
    for (let n = 0; n < appends; n++) {
      const admitted = { epoch: 5n, first: state?.first ?? 100n, next: 101n + BigInt(n) };
      state = advance(state, admitted, 100n + BigInt(n), [BigInt(n), 0n]);
    }
    return state as ProducerGuardState;
  }

  test.each([1, 64, 65, 1000, 30_000])('after %d appends finds at least the last 10,000, by few checkpoints', (appends) => {
    const state = after(appends);
    const oldestWanted = 100n + BigInt(Math.max(0, appends - appendsKept));
    expect(state.first).toBeLessThanOrEqual(oldestWanted);
    expect(state.checkpoints.length).toBeLessThanOrEqual(12);
    const checkpoint = state.checkpoints.find(({ sequence }) => sequence <= oldestWanted);
    expect(checkpoint?.floors[0]).toBeLessThanOrEqual(oldestWanted - 100n);
    expect(decodeProducerState(encodeProducerState(state))).toEqual(state);
  });

  test('begins anew with a new epoch', () => {
    const state = advance(after(500), { epoch: 6n, first: 0n, next: 1n }, 0n, [9n, 9n]);
    expect(state).toEqual({ epoch: 6n, first: 0n, next: 1n, appends: 1, checkpoints: [{ append: 0, sequence: 0n, floors: [9n, 9n] }] });
  });
});

describe('errors', () => {
  test.each([
    [6, true, 'LOG_UNAVAILABLE'],
    [74, true, 'LOG_UNAVAILABLE'],
    [75, true, 'LOG_UNAVAILABLE'],
    [56, true, 'LOG_FULL'],
    [10, false, 'RECORD_TOO_LARGE'],
    [29, false, 'LOG_UNAVAILABLE'],
    [3, true, 'TOPIC_UNKNOWN'],
  ])('of Kafka (%d) have the codes of the port', (code, passes, expected) => {
    const refusal = new BrokerRefusal(code);
    expect([mayPass(refusal), portError(refusal, 't').code]).toEqual([passes, expected]);
  });

  test('of a lost connection pass, of wrong credentials do not, of ours stay', () => {
    const denied = Object.assign(new Error('SASL authentication failed.'), { code: 'PLT_KFK_AUTHENTICATION' });
    expect(mayPass(new Error('Connection closed'))).toBe(true);
    expect(mayPass(new Error('Connection failed', { cause: denied }))).toBe(false);
    expect(portError(new Error('Connection failed', { cause: denied }))).toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: false });
    for (const wrapped of [denied, { errors: [new Error('away'), { cause: denied }] }])
      expect(deniedError(wrapped)).toMatchObject({ code: 'LOG_REFUSED', retryable: false });
    expect(deniedError(denied)?.message).toBe(
      'Kafka refuses us: SASL authentication failed. Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
    );
    const unsigned = Object.assign(new Error('unable to verify the first certificate'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(deniedError(new Error('Connection failed', { cause: unsigned }))?.message).toBe(
      "Kafka's certificate is not to be trusted: unable to verify the first certificate. Check KAFKA_TLS_CA and the names in KAFKA_BROKERS.",
    );
    expect(deniedError(new Error('Connection closed'))).toBeUndefined();
    const ours = new OperatingError('ours', { code: 'PRODUCER_FENCED', retryable: false });
    expect([mayPass(ours), portError(ours)]).toEqual([false, ours]);
    expect([isProducerLost(new BrokerRefusal(47)), isProducerLost(new BrokerRefusal(6))]).toEqual([true, false]);
  });
});

test('room for bytes is given in the order in which it was asked for', async () => {
  const room = new ByteRoom(10);
  const order: string[] = [];
  expect(room.enter(6)).toBeUndefined();
  const large = room.enter(8)?.then(() => order.push('large'));
  const small = room.enter(1)?.then(() => order.push('small'));
  expect(order).toEqual([]);
  room.leave(6);
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
  room.leave(9);
  expect(room.enter(100)).toBeUndefined();
});
