import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StoredResponse } from '#core/http-cache';
import { decodePeerObject, encodePeerObject, knowsAll, peerObjectOf, responseOf } from './peer-object.codec.ts';

const mark = { log: 'l', positions: ['5', '20000000000000000000'] };
const response: StoredResponse = {
  status: 200,
  fields: [['content-type', 'text/css']],
  validators: { etag: '"1"', lastModified: undefined },
  freshness: { bornAtMs: 900, validatedAtMs: 950, freshUntilMs: 5000, staleWhileRevalidateUntilMs: 5000, staleIfErrorUntilMs: 9000, mayBeStale: true },
  variant: { names: ['accept-encoding', 'origin'], values: ['gzip', undefined] },
};

describe('what edges give each other', () => {
  test('comes as it was, and never fresher, whatever the clocks say', () => {
    const sent = encodePeerObject(peerObjectOf(response, [1, 2], mark, 1000), new Uint8Array([7, 8]));
    const { body, object } = decodePeerObject(sent) as NonNullable<ReturnType<typeof decodePeerObject>>;
    expect([...body]).toEqual([7, 8]);
    expect(object.labels).toEqual([1, 2]);
    const shifted = Object.fromEntries(
      Object.entries(response.freshness).map(([name, value]) => [name, typeof value === 'number' ? value + 1_000_000 : value]),
    );
    expect(responseOf(object, 1_001_000)).toEqual({ ...response, freshness: shifted });
  });

  test.each<[string, readonly string[], boolean]>([
    ['l', ['5', '20000000000000000000'], true],
    ['l', ['6', '20000000000000000001'], true],
    ['l', ['4', '20000000000000000001'], false],
    ['l', ['5', '19999999999999999999'], false],
    ['other', ['9', '90000000000000000000'], false],
    ['l', ['9'], false],
  ])('who is at %s %s knows all: %s', (log, positions, knows) => expect(knowsAll({ log, positions }, mark)).toBe(knows));

  test('other bytes are nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodePeerObject(bytes)));
    expect(decodePeerObject(new Uint8Array([255, 255, 255, 255, 1]))).toBeUndefined();
  });
});
