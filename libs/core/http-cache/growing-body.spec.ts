import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GrowingBody, type Cursor } from './growing-body.core.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const all = Number.MAX_SAFE_INTEGER;

/** Reads until there is nothing more for now. */
function drain(body: GrowingBody, cursor: Cursor, end = all, wake = () => {}): { read: number[]; then: string } {
  const read: number[] = [];
  for (;;) {
    const reading = body.read(cursor, end, wake);
    if (reading.kind !== 'bytes') return { read, then: reading.kind };
    read.push(...reading.bytes);
  }
}

describe('a growing body', () => {
  test('every reader gets all of it, whenever it came', () => {
    const body = new GrowingBody();
    const early = body.join();
    let woken = 0;
    expect(drain(body, early, all, () => woken++)).toEqual({ read: [], then: 'wait' });
    body.append(bytes(1, 2));
    expect(woken).toBe(1);
    expect(drain(body, early)).toEqual({ read: [1, 2], then: 'wait' });
    body.append(bytes());
    body.append(bytes(3));
    body.end();
    expect(drain(body, early)).toEqual({ read: [3], then: 'end' });
    expect(drain(body, body.join())).toEqual({ read: [1, 2, 3], then: 'end' });
    expect(body.bytes()).toEqual(bytes(1, 2, 3));
    expect(body.bytes()).toBe(body.bytes());
  });

  test('a failure comes after what arrived before it, and never looks like an end', () => {
    const body = new GrowingBody();
    const cursor = body.join();
    body.append(bytes(1));
    body.fail(new Error('cut'));
    body.fail(new Error('again'));
    expect(body.read(cursor, all, () => {})).toEqual({ kind: 'bytes', bytes: bytes(1) });
    expect(body.read(cursor, all, () => {})).toEqual({ kind: 'failed', error: new Error('cut') });
    expect(body.joinable).toBe(false);
    expect(() => body.join()).toThrow('nobody joins');
    expect(() => body.bytes()).toThrow('only a complete body');
    expect(() => body.append(bytes(2))).toThrow('does not grow');
  });

  test('a part is read from the growing whole', () => {
    const body = new GrowingBody();
    const cursor = body.join(3);
    body.append(bytes(0, 1));
    expect(drain(body, cursor, 6)).toEqual({ read: [], then: 'wait' });
    body.append(bytes(2, 3, 4));
    expect(drain(body, cursor, 6)).toEqual({ read: [3, 4], then: 'wait' });
    body.append(bytes(5, 6, 7));
    expect(drain(body, cursor, 6)).toEqual({ read: [5], then: 'end' });
  });

  test('as a stream it holds only what somebody has still to read', () => {
    const body = new GrowingBody();
    const [fast, slow] = [body.join(), body.join()];
    body.append(bytes(1, 2, 3));
    body.forgetRead();
    expect(body.joinable).toBe(false);
    expect(drain(body, fast).read).toEqual([1, 2, 3]);
    expect(body.heldBytes).toBe(3);
    let woken = 0;
    body.onChange(() => woken++);
    expect(drain(body, slow).read).toEqual([1, 2, 3]);
    expect([body.heldBytes, woken]).toEqual([0, 1]);
    body.append(bytes(4));
    body.leave(slow);
    expect([body.heldBytes, body.readers]).toEqual([1, 1]);
    body.leave(fast);
    expect([body.heldBytes, body.readers]).toEqual([0, 0]);
  });

  test('byte by byte it is held in pieces that are worth it', () => {
    const body = new GrowingBody();
    const early = body.join();
    const sent = Array.from({ length: 100_000 }, (_, at) => at % 251);
    const read: number[] = [];
    for (const value of sent) {
      body.append(bytes(value));
      if (value % 50 === 0) read.push(...drain(body, early).read);
    }
    body.end();
    expect([...read, ...drain(body, early).read]).toEqual(sent);
    const late = body.join();
    let pieces = 0;
    while (body.read(late, all, () => {}).kind === 'bytes') pieces++;
    expect(pieces).toBe(1 + Math.ceil(99_999 / 16_384));
    expect([...body.bytes()]).toEqual(sent);
  });

  test('any interleaving of filling and reading gives each reader its slice', () => {
    const small = fc.uint8Array({ minLength: 0, maxLength: 5 });
    const large = fc
      .record({ length: fc.integer({ min: 1000, max: 9000 }), value: fc.nat(255) })
      .map(({ length, value }) => new Uint8Array(length).fill(value));
    const chunk = fc.oneof({ weight: 5, arbitrary: small }, { weight: 1, arbitrary: large });
    const step = fc.oneof(fc.record({ chunk }), fc.record({ reader: fc.nat(2) }));
    const slices = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), slices, fc.boolean(), (steps, ranges, streams) => {
        const body = new GrowingBody();
        const readers = ranges.map(([first, more]) => ({ first, end: first + more, cursor: body.join(first), got: [] as number[] }));
        if (streams) body.forgetRead();
        const sent: number[] = [];
        for (const next of steps) {
          if ('chunk' in next) {
            body.append(next.chunk);
            sent.push(...next.chunk);
            continue;
          }
          const reader = readers[next.reader % readers.length];
          if (reader !== undefined) reader.got.push(...drain(body, reader.cursor, reader.end).read);
        }
        body.end();
        for (const reader of readers) {
          const { read, then } = drain(body, reader.cursor, reader.end);
          expect([...reader.got, ...read]).toEqual(sent.slice(reader.first, reader.end));
          expect(then).toBe('end');
        }
      }),
    );
  });
});
