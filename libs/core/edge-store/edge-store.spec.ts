import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import {
  decodePlaces,
  decodeRecord,
  encodeFrame,
  encodePlaces,
  encodeRecord,
  GhostList,
  hashKey,
  readFrames,
  recordBytes,
  RecordIndex,
  type RecordPlace,
} from './index.ts';

const checksum = (bytes: Uint8Array): number => crc32(bytes);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const place = (hash: RecordPlace['hash'], segment: number, more: Partial<RecordPlace> = {}): RecordPlace => ({
  ...{ hash, segment, names: 1, variant: 0, offset: 0, length: 10, uselessAtS: 99 },
  ...more,
});

describe('a record', () => {
  const parts = { head: utf8('{"key":"/a"}'), body: utf8('the body') };
  const written = (): Uint8Array => {
    const bytes = new Uint8Array(recordBytes(parts));
    encodeRecord(parts, bytes, 0, checksum);
    return bytes;
  };

  test('comes back as it was written, wherever it lies', () => {
    expect(decodeRecord(written(), checksum)).toMatchObject(parts);
    const among = new Uint8Array(recordBytes(parts) + 20).fill(0x53);
    encodeRecord(parts, among, 10, checksum);
    expect(decodeRecord(among.subarray(10, -10), checksum)).toMatchObject(parts);
  });

  test('with any one bit turned, it is no record', () => {
    for (let bit = 0; bit < written().length * 8; bit++) {
      const bytes = written();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeRecord(bytes, checksum)).toBeUndefined();
    }
  });

  test('cut off, or with more behind it, it is no record', () => {
    for (let length = 0; length < written().length; length++) expect(decodeRecord(written().subarray(0, length), checksum)).toBeUndefined();
    expect(decodeRecord(new Uint8Array([...written(), 0]), checksum)).toBeUndefined();
  });
});

describe('a journal', () => {
  const frames = (['one', 'two', ''] as const).map((text, at) => encodeFrame(at + 1, utf8(text), checksum));
  const all = Buffer.concat(frames);
  const read = (bytes: Uint8Array): [string, string[]] => {
    const seen: string[] = [];
    const state = readFrames(bytes, checksum, (kind, payload) => seen.push(`${kind}:${new TextDecoder().decode(payload)}`));
    return [state, seen];
  };

  test('is read in its order; cut off anywhere it gives the whole frames before', () => {
    expect(read(all)).toEqual(['whole', ['1:one', '2:two', '3:']]);
    for (let length = 0; length <= all.length; length++) {
      const [state, seen] = read(all.subarray(0, length));
      const ends = [0, 16, 32, 45];
      expect([state, seen.length]).toEqual([ends.includes(length) ? 'whole' : 'torn', ends.findLastIndex((end) => end <= length)]);
    }
  });

  test('damaged in front of a whole frame, it says that something was lost; in the last one, it only ends early', () => {
    for (let at = 0; at < all.length; at++) {
      const bytes = new Uint8Array(all);
      bytes[at] = (bytes[at] as number) ^ 0x10;
      expect(read(bytes)[0]).toBe(at < 32 ? 'damaged' : 'torn');
    }
    expect(read(Buffer.concat([all, Buffer.alloc(1000)]))[0]).toBe('torn');
  });

  test('places come back', () => {
    const places = [place({ high: 1, low: 0xffff_ffff }, 7, { offset: 0xffff_fff0, names: 255, variant: 5 }), place({ high: 0, low: 0 }, 1)];
    const seen: RecordPlace[] = [];
    decodePlaces(encodePlaces(places), (one) => seen.push(one));
    expect(seen).toEqual(places);
  });
});

describe('the index', () => {
  test('does what a list of places would, whatever comes, in a table that is nearly full', () => {
    const dice = new Prng(7);
    const index = new RecordIndex(60);
    let list: (RecordPlace & { visited: boolean })[] = [];
    // Few hashes in few places: chains are long and wrap around.
    const hashes = Array.from({ length: 30 }, () => ({ high: dice.nextInteger(0, 3), low: dice.nextInteger(40, 70) }));
    const same = (a: RecordPlace['hash'], b: RecordPlace['hash']): boolean => a.high === b.high && a.low === b.low;
    for (let step = 1; step < 4000; step++) {
      const hash = dice.pick(hashes);
      const variant = dice.nextInteger(0, 2);
      switch (dice.nextInteger(0, 6)) {
        case 0:
        case 1:
        case 2:
          if (index.full) break;
          index.put(place(hash, step, { variant }));
          list = list.filter((one) => !(same(one.hash, hash) && one.variant === variant));
          list.push({ ...place(hash, step, { variant }), visited: false });
          break;
        case 3: {
          const found = list.filter((one) => same(one.hash, hash) && one.variant !== variant).at(-1);
          expect(index.find(hash, (_, other) => other !== variant)?.segment).toBe(found?.segment);
          expect(index.has(hash)).toBe(list.some((one) => same(one.hash, hash)));
          if (found === undefined) break;
          expect([index.holds(found), index.isVisited(found)]).toEqual([true, found.visited]);
          index.visit(found);
          found.visited = true;
          break;
        }
        case 4: {
          const before = list.length;
          list = list.filter((one) => !same(one.hash, hash));
          expect(index.removeKey(hash)).toBe(before - list.length);
          break;
        }
        case 5: {
          const one = list[dice.nextInteger(0, 200)];
          if (one === undefined) break;
          expect([index.remove(one), index.remove(one)]).toEqual([true, false]);
          list = list.filter((other) => other !== one);
          break;
        }
        case 6: {
          if (dice.nextInteger(0, 20) > 0) break;
          const limit = step - 50;
          for (let at = 0; at < index.capacity;) at = index.sweep(at, 7, (segment) => segment < limit);
          list = list.filter((one) => one.segment >= limit);
        }
      }
      expect(index.size).toBe(list.length);
    }
    const seen: number[] = [];
    for (let at = 0; at < index.capacity;) at = index.look(at, 11, ({ segment }) => seen.push(segment));
    expect(seen.sort()).toEqual(list.map(({ segment }) => segment).sort());
    index.clear();
    expect([index.size, index.has(hashes[0] as RecordPlace['hash'])]).toEqual([0, false]);
  });
});

test('keys that differ in one character have hashes far apart, and no two of ten thousand share one', () => {
  const seen = new Set<string>();
  for (let at = 0; at < 10_000; at++) {
    const { high, low } = hashKey(`/media/stream/segment-${at}.m4s`);
    seen.add(`${high} ${low}`);
  }
  expect(seen.size).toBe(10_000);
  expect(new Set(Array.from({ length: 1000 }, (_, at) => hashKey(`/a/${at}`).low % 1000)).size).toBeGreaterThan(580);
});

test('a ghost list knows what came lately, and what came once long ago no more', () => {
  const ghosts = new GhostList(1000);
  const keys = Array.from({ length: 20_000 }, (_, at) => hashKey(`/k/${at}`));
  expect(keys.slice(0, 300).map((key) => ghosts.seen(key))).not.toContain(true);
  expect(keys.slice(0, 300).filter((key) => ghosts.seen(key)).length).toBeGreaterThan(295);
  // The second time it is forgotten: whoever asks has taken it in.
  expect(ghosts.seen(keys[0] as RecordPlace['hash'])).toBe(false);
  for (const key of keys.slice(300)) ghosts.seen(key);
  expect(keys.slice(0, 10_000).filter((key) => ghosts.seen(key)).length).toBe(0);
  expect(keys.slice(-300).filter((key) => ghosts.seen(key)).length).toBeLessThan(300);
});
