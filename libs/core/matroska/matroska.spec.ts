import { describe, expect, test } from '@jest/globals';
import { MatroskaWriter } from './matroska-writer.core.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const video = { kind: 'video', codec: 'V_MPEGH/ISO/HEVC', config: Uint8Array.of(1, 2), width: 1280, height: 720 } as const;
const audio = { kind: 'audio', codec: 'A_OPUS', config: Uint8Array.of(3), sampleRate: 48_000, channels: 2 } as const;

describe('Matroska as a live stream', () => {
  test('begins with what it is, a segment without an end, and its tracks', () => {
    const header = text(new MatroskaWriter([video, audio]).header());
    expect(header).toMatch(/^1a45dfa3100000..42821000000(8)6d6174726f736b61/);
    expect(header).toContain('1853806701ffffffffffffff');
    expect(header).toContain(`8610000010${Buffer.from('V_MPEGH/ISO/HEVC').toString('hex')}63a2100000020102`);
    expect(header).toContain('e01000000db0100000020500ba1000000202d0'.replace('1000000d', '1000000e'));
    expect(header).toContain('b51000000840e7700000000000');
  });

  test('puts frames into clusters that a block can name its distance to', () => {
    const writer = new MatroskaWriter([video, audio]);
    const frame = (kind: 'video' | 'audio', presentationMs: number, keyFrame = false): string =>
      text(writer.frame({ video, audio }[kind], { presentationMs, keyFrame, payload: Uint8Array.of(9) }));
    expect(frame('video', 70_000, true)).toBe('1f43b67501ffffffffffffff' + 'e710000003011170' + 'a310000005' + '8100008009');
    expect(frame('audio', 70_020)).toBe('a310000005' + '8200140009');
    // A picture that is shown before the one that the cluster began with.
    expect(frame('video', 69_960)).toBe('a310000005' + '81ffd80009');
    expect(frame('video', 70_000 + 0x7fff)).toBe('a310000005' + '817fff0009');
    expect(frame('video', 70_000 + 0x8000)).toMatch(/^1f43b675/);
  });

  test('has as many sounds as there are, each told apart', () => {
    const other = { ...audio, codec: 'A_MPEG/L3', config: Uint8Array.of() } as const;
    const writer = new MatroskaWriter([video, audio, other]);
    const tracks = text(writer.header()).split('d7100000').slice(1);
    expect(tracks.map((entry) => entry.slice(0, 4))).toEqual(['0101', '0102', '0103']);
    const payload = Uint8Array.of(9);
    expect([audio, other].map((track) => text(writer.frame(track, { presentationMs: 0, keyFrame: true, payload })).slice(-10))).toEqual([
      '8200008009',
      '8300008009',
    ]);
  });

  test('takes no time below zero, no track that is not there, and no two pictures', () => {
    const writer = new MatroskaWriter([video]);
    expect(() => writer.frame(audio, { presentationMs: 0, keyFrame: false, payload: Uint8Array.of() })).toThrow();
    expect(() => writer.frame(video, { presentationMs: -1, keyFrame: false, payload: Uint8Array.of() })).toThrow();
    expect(() => new MatroskaWriter([video, video])).toThrow();
  });
});
