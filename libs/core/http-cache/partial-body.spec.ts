import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartialBody } from './partial-body.core.ts';
import { parseContentRange, rangeToAskFor } from './range.codec.ts';

describe('parts of a representation (RFC 9111 section 3.4)', () => {
  test('whatever parts come in whatever order, what is here is a part of the whole, and all else is missing', () => {
    const length = 24;
    const whole = Uint8Array.from({ length }, (_, at) => at + 1);
    const part = fc.tuple(fc.nat(length - 1), fc.nat(length)).map(([first, size]) => [first, Math.min(first + size, length)] as const);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat(length - 1), fc.nat(length - 1), (parts, a, b) => {
        const body = new PartialBody(length);
        const here = new Set<number>();
        for (const [first, end] of parts) {
          body.add(first, whole.slice(first, end));
          for (let at = first; at < end; at++) here.add(at);
        }
        expect(body.heldBytes).toBe(here.size);
        expect(body.complete).toBe(here.size === length);
        const span = { first: Math.min(a, b), last: Math.max(a, b) };
        const holds = Array.from({ length: span.last - span.first + 1 }, (_, at) => here.has(span.first + at)).every(Boolean);
        expect(body.slice(span)).toEqual(holds ? whole.slice(span.first, span.last + 1) : undefined);
        const gap = body.gap();
        if (gap === undefined) return;
        for (let at = 0; at < length; at++) expect(here.has(at)).toBe(at < gap.first || at > gap.last);
      }),
    );
  });

  test('a part lies within its representation', () => {
    expect(() => new PartialBody(4).add(2, new Uint8Array(3))).toThrow('within');
    expect(() => new PartialBody(0)).toThrow('empty');
  });

  test.each([
    ['bytes 0-4/10', { first: 0, last: 4, length: 10 }],
    ['BYTES  5-9/10', { first: 5, last: 9, length: 10 }],
    ['bytes 5-10/10', undefined],
    ['bytes 5-4/10', undefined],
    ['bytes 0-4/*', undefined],
    ['bytes */10', undefined],
    ['items 0-4/10', undefined],
    ['bytes 0-4/10, bytes 5-9/10', undefined],
    [undefined, undefined],
  ])('Content-Range %j', (value, range) => {
    expect(parseContentRange(value)).toEqual(range);
  });

  test.each([
    ['bytes=5-9', true],
    ['Bytes=5-', true],
    ['bytes=-5', true],
    ['bytes=0-', false],
    ['bytes=0-1', false],
    ['bytes=00-1', false],
    ['bytes=1-2,4-5', false],
    ['bytes=-', false],
    ['items=1-2', false],
    [undefined, false],
  ])('Range %j is asked for as it stands: %s', (value, asked) => {
    expect(rangeToAskFor(value)).toBe(asked ? value : undefined);
  });
});
