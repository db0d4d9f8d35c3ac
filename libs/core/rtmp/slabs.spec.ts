import { FlvReader, encodeFlvHeader, tagType } from '#core/flv';
import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { GopCache } from './gop-cache.core.ts';
import { SlabPool } from './slab-pool.core.ts';
import { Arena, TagBuffer } from './tag-buffer.core.ts';

function filled(length: number, seed: number): Uint8Array {
  const prng = new Prng(seed);
  return Uint8Array.from({ length }, () => prng.nextUint32() & 0xff);
}

function sealed(arena: Arena, body: Uint8Array, timestampMs: number): TagBuffer {
  const tag = new TagBuffer(arena, body.length);
  tag.append(body, 0, body.length);
  tag.seal(tagType.video, timestampMs);
  return tag;
}

function bytesOf(parts: TagBuffer['parts']): Uint8Array {
  return Uint8Array.from(parts.flatMap(({ slab, start, end }) => [...slab.bytes.subarray(start, end)]));
}

describe('slabs', () => {
  test('are used again once the last holder released them', () => {
    const pool = new SlabPool({ slabBytes: 64, freeMax: 1 });
    const [first, second] = [pool.take(), pool.take()];
    first.retain();
    first.release();
    expect(pool.free).toBe(0);
    first.release();
    second.release();
    expect([pool.held, pool.free]).toEqual([0, 1]);
    expect(pool.take().bytes).toBe(first.bytes);
  });

  test('released or retained after the last release break an invariant', () => {
    const slab = new SlabPool().take();
    slab.release();
    expect(() => slab.release()).toThrow('released twice');
    expect(() => slab.retain()).toThrow('after its last release');
  });
});

describe('a tag in slabs', () => {
  test.each([0, 1, 5, 52, 53, 60, 200, 5000])('of %i bytes is an FLV tag, whatever the slabs', (length) => {
    for (const slabBytes of [64, 100, 4096]) {
      const arena = new Arena(new SlabPool({ slabBytes }));
      const body = filled(length, length);
      const before = sealed(arena, filled(30, 1), 0);
      const tag = sealed(arena, body, 0x12345678);
      const flv = Uint8Array.from([...encodeFlvHeader({ audio: false, video: true }), ...bytesOf(before.parts), ...bytesOf(tag.parts)]);
      expect(new FlvReader().push(flv)[1]).toEqual({ type: tagType.video, timestampMs: 0x12345678, body });
      expect(tag.copyBody()).toEqual(body);
      expect([...tag.peek(5)]).toEqual([...body.subarray(0, 5)]);
      expect(tag.byteAt(0)).toBe(body[0] ?? 0);
    }
  });

  test('holds its memory until it is released, once', () => {
    const pool = new SlabPool({ slabBytes: 64 });
    const arena = new Arena(pool);
    const tag = sealed(arena, filled(1000, 1), 0);
    arena.close();
    expect(pool.held).toBeGreaterThan(15);
    tag.release();
    expect(pool.held).toBe(0);
    expect(() => tag.release()).toThrow('released twice');
  });

  test('cannot be sealed before it is complete, or get more than it announced', () => {
    const arena = new Arena(new SlabPool());
    const tag = new TagBuffer(arena, 10);
    tag.append(new Uint8Array(9), 0, 9);
    expect(() => tag.seal(tagType.audio, 0)).toThrow('before its message was complete');
    expect(() => new TagBuffer(arena, 1).append(new Uint8Array(100), 0, 100)).toThrow('more bytes than it announced');
  });

  test('reserves memory as bytes come, not as they are announced', () => {
    const pool = new SlabPool({ slabBytes: 1024 });
    const tag = new TagBuffer(new Arena(pool), 10 * 1024 * 1024);
    expect(pool.held).toBe(1);
    tag.append(new Uint8Array(3000), 0, 3000);
    expect(pool.held).toBe(3);
  });
});

describe('the group of pictures', () => {
  function setup(bytesMax: number): {
    pool: SlabPool;
    arena: Arena;
    gop: GopCache;
    add: (length: number, keyFrame: boolean, timestampMs: number) => Uint8Array;
  } {
    const pool = new SlabPool({ slabBytes: 256 });
    const arena = new Arena(pool);
    const gop = new GopCache();
    const add = (length: number, keyFrame: boolean, timestampMs: number): Uint8Array => {
      const tag = sealed(arena, filled(length, timestampMs), timestampMs);
      gop.add({ tag, keyFrame, timestampMs }, bytesMax);
      const bytes = bytesOf(tag.parts);
      tag.release();
      return bytes;
    };
    return { pool, arena, gop, add };
  }

  test('begins with a key frame and ends with the next', () => {
    const { gop, add } = setup(100_000);
    add(50, false, 0);
    expect(gop.parts).toEqual([]);
    add(60, true, 10);
    add(70, false, 20);
    const third = add(80, true, 30);
    const fourth = add(500, false, 40);
    expect(gop.startMs).toBe(30);
    expect(bytesOf(gop.parts)).toEqual(Uint8Array.from([...third, ...fourth]));
    expect(gop.bytes).toBe(third.length + fourth.length);
  });

  test('that outgrows its bound is given up until the next key frame', () => {
    const { gop, add } = setup(400);
    add(200, true, 0);
    add(200, false, 10);
    expect([gop.parts.length, gop.bytes, gop.startMs]).toEqual([0, 0, undefined]);
    add(10, false, 20);
    expect(gop.parts).toHaveLength(0);
    const key = add(100, true, 30);
    expect(bytesOf(gop.parts)).toEqual(key);
  });

  test('keeps one stretch where tags lie behind each other, and gives all memory back', () => {
    const { pool, arena, gop, add } = setup(100_000);
    for (let i = 0; i < 100; i++) add(20, i === 0, i);
    expect(gop.parts.length).toBeLessThan(20);
    gop.clear();
    arena.close();
    expect(pool.held).toBe(0);
  });
});
