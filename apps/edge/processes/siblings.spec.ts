import { describe, expect, test } from '@jest/globals';
import { endFrame, frame, FrameReader } from './sibling.codec.ts';
import { ownerOf } from './siblings.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(reader: FrameReader): Promise<string[]> {
  const frames: string[] = [];
  for (let next = await reader.next(); next !== undefined; next = await reader.next()) frames.push(Buffer.from(next).toString());
  return frames;
}

describe('what processes of an edge send each other', () => {
  const whole = Buffer.concat([frame(Buffer.from('head')), frame(Buffer.from('a')), frame(Buffer.from('body of some length')), endFrame]);

  test.each([1, 3, 4, 7, 1000])('is read whatever pieces of %i bytes it comes in', async (size) => {
    expect(await all(new FrameReader(inPieces(whole, size)))).toEqual(['head', 'a', 'body of some length']);
  });

  test('is none without its end, wherever it breaks off', async () => {
    for (let end = 0; end < whole.length; end++) await expect(all(new FrameReader(inPieces(whole.subarray(0, end), 5)))).rejects.toThrow('broke off');
  });

  test('does not make room for a frame that nobody sends', async () => {
    await expect(all(new FrameReader(inPieces(Buffer.from([255, 255, 255, 255, 0]), 5)))).rejects.toThrow('larger than any');
  });
});

describe('the owner of a key', () => {
  const keys = Array.from({ length: 4000 }, (_none, at) => `zn-1.1/path/${at}`);

  test('is one of them, each for as many', () => {
    const counts = [0, 1, 2, 3].map((index) => keys.filter((key) => ownerOf(key, 4) === index).length);
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1100);
  });

  test('stays it when there is one more, for all keys that the new one does not take', () => {
    for (const key of keys) expect([ownerOf(key, 4), 4]).toContain(ownerOf(key, 5));
  });
});
