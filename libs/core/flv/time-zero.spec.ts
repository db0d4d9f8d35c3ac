import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeAmf0, encodeAmf0Script } from './amf0.codec.ts';
import { decodeMetadata } from './metadata.codec.ts';
import { encodeTimeZero, timeZeroOf } from './time-zero.codec.ts';

describe('when a session began', () => {
  test('is read as it was written, to the millisecond, and is no metadata for who does not know it', () => {
    fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (atMs) => expect(timeZeroOf(encodeTimeZero(atMs))).toBe(atMs)));
    expect(decodeMetadata(encodeTimeZero(1_790_000_000_000))).toBeUndefined();
  });

  test.each<[string, Uint8Array]>([
    ['metadata', encodeAmf0Script('onMetaData', { width: 1 })],
    ['no number', encodeAmf0('onStreamsTimeZero', 'now')],
    ['no whole number', encodeAmf0('onStreamsTimeZero', 1.5)],
    ['a time before all', encodeAmf0('onStreamsTimeZero', -1)],
    ['no time', encodeAmf0('onStreamsTimeZero', Number.NaN)],
    ['cut off', encodeTimeZero(1).subarray(0, -1)],
    ['nothing', new Uint8Array()],
  ])('is not read from %s', (_what, body) => expect(timeZeroOf(body)).toBeUndefined());
});
