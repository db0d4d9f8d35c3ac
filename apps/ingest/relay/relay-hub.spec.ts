import { tagType } from '#core/flv';
import { Arena, SlabPool, TagBuffer, type MediaMessage } from '#core/rtmp';
import { expect, test } from '@jest/globals';
import { RelayHub } from './relay-hub.ts';
import type { RelayStream } from './relay-stream.ts';

const kib = 1024;
const arena = new Arena(new SlabPool());

/** A key frame of so many KiB. */
function add(stream: RelayStream, timestampMs: number, size: number): void {
  const tag = new TagBuffer(arena, size * kib);
  const body = new Uint8Array(size * kib);
  body.set([0x17, 1]);
  tag.append(body, 0, body.length);
  tag.seal(tagType.video, timestampMs);
  const message: MediaMessage = { kind: 'media', type: tagType.video, timestampMs, packet: 'frames', keyFrame: true, track: 0, tag };
  stream.add(message);
}

function hub(keepKib: number): RelayHub {
  const made = new RelayHub({ gopBytesMax: 4096 * kib, gopBytesTotal: 8192 * kib, keepMsMax: 30_000, keepBytesTotal: keepKib * kib });
  made.keeps();
  return made;
}

const kept = ({ keptBytes }: { keptBytes: number }): number => Math.floor(keptBytes / kib);

test('where the budget is used up, who keeps most gives up its oldest, until a tenth is free again', () => {
  const made = hub(4000);
  const [large, small] = [made.open('st-1', 's1'), made.open('st-2', 's2')];
  for (let n = 0; n < 5; n++) add(small, n * 1000, 100);
  for (let n = 0; n < 8; n++) add(large, n * 1000, 500);
  expect([kept(made), kept(large), kept(small)]).toEqual([3500, 3000, 500]);
  made.close('s1');
  expect(kept(made)).toBe(500);
  made.close('s2');
  expect(made.keptBytes).toBe(0);
});

test('nobody gives up the little that who joins begins with, however many there are', () => {
  const made = hub(1000);
  const streams = Array.from({ length: 20 }, (_, n) => made.open(`st-${n}`, `s${n}`));
  for (const stream of streams) add(stream, 0, 200);
  expect(kept(made)).toBe(4000);
  for (const stream of streams) add(stream, 1000, 200);
  expect(Math.max(...streams.map(kept))).toBeLessThan(410);
  expect(Math.min(...streams.map(kept))).toBeGreaterThanOrEqual(200);
});

test('nothing is kept where nobody ever said how far it got, or where nothing is to be', () => {
  const made = new RelayHub({ gopBytesMax: 4096 * kib, gopBytesTotal: 8192 * kib, keepMsMax: 30_000, keepBytesTotal: 4000 * kib });
  const early = made.open('st-1', 's1');
  add(early, 0, 100);
  expect([early.keptBytes, made.keptBytes]).toEqual([0, 0]);
  const off = hub(0);
  const stream = off.open('st-2', 's2');
  add(stream, 0, 100);
  stream.keepFrom(0);
  expect([off.keepMsMax, off.keptBytes]).toEqual([0, 0]);
});
