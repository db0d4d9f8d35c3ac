import { expect, test } from '@jest/globals';
import { Remuxer, type RemuxPart } from '#core/cmaf';
import { writeFragment } from '#core/fmp4';
import { segmentToTs } from '#core/mpegts';
import { parseTsName, tsNameOf } from './ts-name.core.ts';

const cidOf = (letter: string): string => `bafkrei${letter.repeat(52)}`;

test('a name tells what a transport stream is made of, and nothing else is one', () => {
  const both = {
    mediaSequence: 17,
    tracks: [
      { initCid: cidOf('a'), cid: cidOf('b') },
      { initCid: cidOf('c'), cid: cidOf('d') },
    ],
  };
  expect(parseTsName(tsNameOf(both))).toEqual(both);
  const sound = { mediaSequence: 0, tracks: both.tracks.slice(1) };
  expect(parseTsName(tsNameOf(sound))).toEqual(sound);
  const name = tsNameOf(both);
  for (const wrong of [
    name.slice(0, -3),
    `0${name}`,
    name.replace('17', '-1'),
    `17-${cidOf('a')}.ts`,
    `17-../x-${cidOf('b')}.ts`,
    name.replace('.ts', `-${cidOf('e')}-${cidOf('f')}.ts`),
  ])
    expect(parseTsName(wrong)).toBeUndefined();
});

const avc = Uint8Array.from(Buffer.from('1700000000' + '0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0', 'hex'));
const aac = Uint8Array.of(0xaf, 0, 0x12, 0x10);

/** Two segments of a second, with B-frames, and their sound. */
function segments(kind: 'video' | 'audio'): ReadonlyArray<{ init: Uint8Array; segment: Uint8Array }> {
  const remuxer = new Remuxer({ kind, config: kind === 'video' ? avc : aac, offsetMs: -80, startUs: 0 });
  const parts: RemuxPart[] = [];
  const nal = (n: number): readonly number[] => [0, 0, 0, 200, 0x41, ...Array.from({ length: 199 }, () => n)];
  if (kind === 'video') {
    for (let n = 0; n < 50; n++) {
      const cts = n % 25 === 0 ? 80 : n % 2 === 1 ? 120 : 40;
      parts.push(...remuxer.push(Uint8Array.of(n % 25 === 0 ? 0x17 : 0x27, 1, 0, 0, cts, ...nal(n)), n * 40));
    }
  } else {
    for (let n = 0; n < 90; n++)
      parts.push(...remuxer.push(Uint8Array.of(0xaf, 1, ...Array.from({ length: 100 }, () => n)), Math.round((n * 1024e3) / 44_100)));
  }
  parts.push(...remuxer.finish());
  const init = parts.flatMap((part) => (part.kind === 'init' ? [part.bytes] : []))[0] as Uint8Array;
  const timescale = kind === 'video' ? 90_000 : 44_100;
  const fragments = parts.flatMap((part) => (part.kind === 'fragment' ? [part.fragment] : []));
  return [0, 1].map((second) => ({
    init,
    segment: Buffer.concat(
      fragments
        .filter(({ baseDecodeTime }) => Math.floor(baseDecodeTime / timescale) === second)
        .map((fragment, n) => writeFragment({ ...fragment, trackId: 1, sequence: n })),
    ),
  }));
}

test('continuity counters go on over segments in every stream, decode times grow, and no frame is shown before it is decoded', () => {
  const [video, audio] = [segments('video'), segments('audio')];
  const made = [6, 7].map((mediaSequence, n) => segmentToTs({ mediaSequence, tracks: [video[n], audio[n]].flatMap((one) => one ?? []) }));
  expect(segmentToTs({ mediaSequence: 6, tracks: [video[0], audio[0]].flatMap((one) => one ?? []) })).toEqual(made[0]);
  const counters = new Map<number, number>();
  const decode = new Map<number, number>();
  const bytes = Buffer.concat(made);
  let pictures = 0;
  for (let at = 0; at < bytes.length; at += 188) {
    const pid = bytes.readUInt16BE(at + 1) & 0x1fff;
    const counter = bytes.readUInt8(at + 3) & 15;
    const before = counters.get(pid);
    if (before !== undefined) expect([pid, counter]).toEqual([pid, (before + 1) & 15]);
    counters.set(pid, counter);
    if ((bytes.readUInt8(at + 1) & 0x40) === 0 || pid === 0 || pid === 0x1000) continue;
    const start = at + ((bytes.readUInt8(at + 3) & 0x20) === 0 ? 4 : 5 + bytes.readUInt8(at + 4));
    const stamp = (from: number): number =>
      ((bytes.readUInt8(from) & 0x0e) >> 1) * 2 ** 30 + (bytes.readUInt16BE(from + 1) >> 1) * 2 ** 15 + (bytes.readUInt16BE(from + 3) >> 1);
    const shown = stamp(start + 9);
    const decoded = (bytes.readUInt8(start + 7) & 0x40) === 0 ? shown : stamp(start + 14);
    expect(shown).toBeGreaterThanOrEqual(decoded);
    expect(decoded).toBeGreaterThan(decode.get(pid) ?? 0);
    decode.set(pid, decoded);
    pictures += pid === 0x100 ? 1 : 0;
  }
  expect(pictures).toBe(50);
  expect([...counters.keys()].sort((a, b) => a - b)).toEqual([0, 0x100, 0x101, 0x1000]);
});
