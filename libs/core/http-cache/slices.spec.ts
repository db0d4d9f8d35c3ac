import { describe, expect, test } from '@jest/globals';
import { byteranges } from './byteranges.codec.ts';
import { PurgeLedger, purgeTargets } from './purge-ledger.core.ts';
import { chooseRanges } from './range.codec.ts';
import { objectKeyOf, rangeValidator, sliceAt, sliceCount, sliceKey, sliceSpan } from './slices.core.ts';
import type { StoredResponse, Validators } from './stored-response.ts';

const freshness = { bornAtMs: 0, validatedAtMs: 0, freshUntilMs: 1, staleWhileRevalidateUntilMs: 1, staleIfErrorUntilMs: 1, mayBeStale: true };
const stored = (validators: Partial<Validators>, fields: StoredResponse['fields'] = []): StoredResponse => ({
  status: 200,
  fields,
  validators: { etag: undefined, lastModified: undefined, ...validators },
  freshness,
  variant: { names: [], values: [] },
});

describe('slices', () => {
  test.each([
    [
      10,
      4,
      [
        [0, 3],
        [4, 7],
        [8, 9],
      ],
    ],
    [
      8,
      4,
      [
        [0, 3],
        [4, 7],
      ],
    ],
    [1, 4, [[0, 0]]],
  ])('%i bytes in slices of %i lie at %j', (length, sliceBytes, spans) => {
    const sliced = { length, sliceBytes };
    expect(sliceCount(sliced)).toBe(spans.length);
    expect(spans.map((_span, index) => sliceSpan(sliced, index))).toEqual(spans.map(([first, last]) => ({ first, last })));
    for (const [index, [first, last]] of spans.entries()) expect([sliceAt(sliced, first as number), sliceAt(sliced, last as number)]).toEqual([index, index]);
  });

  test('no two versions and no two cuts share a key, and all are of one object', () => {
    const keys = [
      sliceKey('z.1/a', stored({ etag: '"a"' }), { length: 10, sliceBytes: 4 }, 0),
      sliceKey('z.1/a', stored({ etag: '"b"' }), { length: 10, sliceBytes: 4 }, 0),
      sliceKey('z.1/a', stored({ etag: '"a"' }), { length: 11, sliceBytes: 4 }, 0),
      sliceKey('z.1/a', stored({ etag: '"a"' }), { length: 10, sliceBytes: 5 }, 0),
      sliceKey('z.1/a', stored({ etag: '"a"' }), { length: 10, sliceBytes: 4 }, 1),
      sliceKey('z.1/a', stored({ lastModified: 'Thu, 01 Jan 1970 00:00:00 GMT' }), { length: 10, sliceBytes: 4 }, 0),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(keys.map(objectKeyOf))).toEqual(new Set(['z.1/a']));
  });

  test('what a purge of the object hits, it hits of each slice, whatever it names', () => {
    const key = sliceKey('z.1/film/a.mp4?v=1', stored({ etag: '"a"' }), { length: 10, sliceBytes: 4 }, 2);
    const labels = [7];
    const compile = (pattern: string) => (text: string) => text === pattern;
    for (const target of [
      purgeTargets.key('z.1/film/a.mp4?v=1'),
      purgeTargets.path('/film/a.mp4?v=1'),
      purgeTargets.prefix('/film/'),
      purgeTargets.pattern('/film/a.mp4?v=1'),
      purgeTargets.label(7),
    ]) {
      const ledger = new PurgeLedger({ marksMax: 10, patternsMax: 10, compile });
      ledger.purge(target);
      expect(ledger.judge({ key, labels }, 0).kind).toBe('purged');
    }
    const other = new PurgeLedger({ marksMax: 10, patternsMax: 10, compile });
    other.purge(purgeTargets.key('z.1/film/a.mp4?v=2'));
    expect(other.judge({ key, labels }, 0).kind).toBe('current');
  });

  test.each<[string, StoredResponse, string | undefined]>([
    ['a strong tag', stored({ etag: '"a"' }), '"a"'],
    ['a weak tag', stored({ etag: 'W/"a"', lastModified: 'Thu, 01 Jan 1970 00:00:00 GMT' }), undefined],
    ['nothing', stored({}), undefined],
    [
      'a date that is old enough',
      stored({ lastModified: 'Thu, 01 Jan 1970 00:00:00 GMT' }, [['date', 'Thu, 01 Jan 1970 00:00:05 GMT']]),
      'Thu, 01 Jan 1970 00:00:00 GMT',
    ],
    ['a date of this second', stored({ lastModified: 'Thu, 01 Jan 1970 00:00:05 GMT' }, [['date', 'Thu, 01 Jan 1970 00:00:05 GMT']]), undefined],
  ])('%s tells versions apart by %s', (_what, response, validator) => expect(rangeValidator(response, 10_000)).toBe(validator));
});

describe('several ranges', () => {
  test.each([
    [
      'bytes=0-1,5-6',
      [
        [0, 1],
        [5, 6],
      ],
    ],
    [
      'bytes=5-6,0-1',
      [
        [0, 1],
        [5, 6],
      ],
    ],
    [
      'bytes=0-1,2-3,8-',
      [
        [0, 3],
        [8, 9],
      ],
    ],
    [
      'bytes=0-1,-2',
      [
        [0, 1],
        [8, 9],
      ],
    ],
    ['bytes=0-1,20-30', []],
    ['bytes=0-5,3-9', []],
    ['bytes=0-1,x', []],
    ['items=0-1,5-6', []],
    [`bytes=${Array.from({ length: 33 }, (_none, at) => `${at * 2}-${at * 2}`).join(',')}`, []],
  ])('%s are %j', (value, spans) => expect(chooseRanges(value, 10)).toEqual(spans.map(([first, last]) => ({ first, last }))));

  test('their body is as long as it says', () => {
    const { contentType, end, length, parts } = byteranges(
      [
        { first: 0, last: 1 },
        { first: 5, last: 6 },
      ],
      { length: 10, contentType: 'video/mp4' },
      'B',
    );
    const text =
      parts.map(({ before, span }) => new TextDecoder().decode(before) + 'x'.repeat(span.last - span.first + 1)).join('') + new TextDecoder().decode(end);
    expect(contentType).toBe('multipart/byteranges; boundary=B');
    expect(text).toBe(
      '--B\r\ncontent-type: video/mp4\r\ncontent-range: bytes 0-1/10\r\n\r\nxx\r\n--B\r\ncontent-type: video/mp4\r\ncontent-range: bytes 5-6/10\r\n\r\nxx\r\n--B--\r\n',
    );
    expect(length).toBe(text.length);
  });
});
