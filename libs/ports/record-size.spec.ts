import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { recordBytesMax } from './event-log.port.ts';
import { checkRecordSize, recordBytes, utf8Bytes } from './record-size.ts';

const record = (value: string) => ({ key: 'k', headers: { é: '€' }, value });

/** Any, halves of surrogate pairs as well. */
const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

describe('size of records', () => {
  test('is counted in UTF-8', () => {
    fc.assert(fc.property(fc.string({ unit: codePoint }), (text) => expect(utf8Bytes(text)).toBe(Buffer.byteLength(text))));
    expect(utf8Bytes('\ud800x')).toBe(Buffer.byteLength('\ud800x'));
    expect(recordBytes(record('😀'))).toBe(1 + 2 + 3 + 4);
  });

  test('is bounded', () => {
    const rest = recordBytes(record(''));
    expect(() => checkRecordSize(record('x'.repeat(recordBytesMax - rest)))).not.toThrow();
    expect(() => checkRecordSize(record('x'.repeat(recordBytesMax - rest + 1)))).toThrow(expect.objectContaining({ code: 'RECORD_TOO_LARGE' }));
    expect(() => checkRecordSize(record('€'.repeat(recordBytesMax / 3)))).toThrow(expect.objectContaining({ code: 'RECORD_TOO_LARGE' }));
  });
});
