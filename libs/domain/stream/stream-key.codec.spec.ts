import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { base32Of, formatStreamKey, isStreamId, parseStreamKey, streamIdOf } from './stream-key.codec.ts';

describe('base32', () => {
  test.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('%j is %j (RFC 4648 section 10)', (text, encoded) => {
    expect(base32Of(new TextEncoder().encode(text))).toBe(encoded);
  });
});

describe('stream keys', () => {
  test('survive the round trip', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (id, secret) => {
        const key = { streamId: streamIdOf(id), secret: base32Of(secret) };
        expect(isStreamId(key.streamId)).toBe(true);
        expect(parseStreamKey(formatStreamKey(key))).toEqual(key);
      }),
    );
  });

  test('a query that an encoder appends is not part of the key', () => {
    const key = `st-abcdefgh-${'a'.repeat(52)}`;
    expect(parseStreamKey(`${key}?token=x`)).toEqual({ streamId: 'st-abcdefgh', secret: 'a'.repeat(52) });
  });

  test.each([
    '',
    'live',
    'st-abcdefgh',
    'st-abcdefgh-',
    `st-abc-${'a'.repeat(52)}`,
    `st-abcdefgh-${'a'.repeat(53)}`,
    `ST-abcdefgh-${'a'.repeat(52)}`,
    `st-abcdefgh-${'1'.repeat(52)}`,
    `x st-abcdefgh-${'a'.repeat(52)}`,
  ])('%j is not one', (text) => expect(parseStreamKey(text)).toBeUndefined());

  test('any text is answered, none is thrown at', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseStreamKey(text)));
  });
});
