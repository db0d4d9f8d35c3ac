import { describe, expect, test } from '@jest/globals';
import { tagType } from '#core/flv';
import { SegmentPace, type PacedMessage } from './segment-pace.core.ts';

const both = { audio: true, video: true };

function picture(timestampMs: number, keyFrame = false, compositionMs = 0): PacedMessage {
  const head = Uint8Array.of(keyFrame ? 0x17 : 0x27, 1, 0, compositionMs >> 8, compositionMs & 0xff, 0);
  return { type: tagType.video, track: 0, keyFrame, timestampMs, tag: { peek: (count) => head.subarray(0, count) } };
}

function sound(timestampMs: number, track = 0): PacedMessage {
  return { type: tagType.audio, track, keyFrame: false, timestampMs, tag: { peek: () => Uint8Array.of(0xaf, 1) } };
}

const judged = (messages: readonly PacedMessage[], has = both, pace = new SegmentPace()): boolean[] => messages.map((message) => pace.isUrgent(message, has));

describe('what makes a segment sooner is urgent', () => {
  test('a key frame, and then the sound up to where it is shown', () => {
    const messages = [picture(1960), sound(1970), picture(2000, true, 80), sound(2010), picture(2040), sound(2079), sound(2090), picture(2120), sound(2130)];
    expect(judged(messages)).toEqual([false, false, true, true, true, true, true, false, false]);
  });

  test('of a picture alone the key frame', () => {
    expect(judged([picture(0, true), picture(40), picture(2000, true), picture(2040)], { audio: false, video: true })).toEqual([true, false, true, false]);
  });

  test('sound that stays away is not waited for', () => {
    expect(judged([picture(0, true), picture(1000), picture(1040), picture(1080)])).toEqual([true, true, true, false]);
  });
});

describe('everything is urgent', () => {
  test('without a picture', () => {
    expect(judged([sound(0), sound(20)], { audio: true, video: false })).toEqual([true, true]);
  });

  test('once there are further tracks', () => {
    const pace = new SegmentPace();
    expect(judged([sound(0), sound(10, 1), sound(20), picture(40)], both, pace)).toEqual([false, true, true, true]);
  });
});
