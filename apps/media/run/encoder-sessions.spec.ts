import { describe, expect, test } from '@jest/globals';
import { EncoderSessions } from './encoder-sessions.ts';

const rungs = ['1080p', '720p', '480p'];

function sessions(...working: ConstructorParameters<typeof EncoderSessions>[0]): { readonly all: EncoderSessions; sleep(ms: number): void } {
  let now = 1_000_000;
  return { all: new EncoderSessions(working, { now: () => now }), sleep: (ms) => void (now += ms) };
}

describe('sessions of hardware encoders', () => {
  test('without any, everything is encoded in software', () => {
    expect(sessions().all.share(rungs).encoders).toEqual({});
  });

  test('the largest rungs come first, and the better kind before the other', () => {
    const { all } = sessions({ kind: 'nvenc', sessionsMax: 1 }, { kind: 'vaapi', sessionsMax: 1 });
    expect(all.share(rungs).encoders).toEqual({ '1080p': 'nvenc', '720p': 'vaapi' });
    expect(all.share(rungs).encoders).toEqual({});
    expect(all.inUse).toEqual({ nvenc: 1, vaapi: 1 });
  });

  test('what a run held is free after it, once', () => {
    const { all } = sessions({ kind: 'nvenc', sessionsMax: 2 });
    const first = all.share(rungs);
    const second = all.share(rungs);
    first.release();
    first.release();
    expect(all.inUse).toEqual({ nvenc: 0 });
    second.release();
    expect(Object.keys(all.share(rungs).encoders)).toEqual(['1080p', '720p']);
  });

  test('a refusal tells how many there are, for a while', () => {
    const { all, sleep } = sessions({ kind: 'nvenc', sessionsMax: 8 });
    const other = all.share(['1080p']);
    const share = all.share(rungs);
    // Of four open ones the fourth was too many.
    share.refused(['480p', 'no such rung']);
    expect(all.inUse).toEqual({ nvenc: 1 });
    const again = all.share(rungs);
    expect(again.encoders).toEqual({ '1080p': 'nvenc', '720p': 'nvenc' });
    again.refused(['1080p', '720p']);
    expect(all.share(rungs).encoders).toEqual({});
    other.release();
    expect(Object.keys(all.share(rungs).encoders)).toEqual(['1080p']);
    sleep(600_000);
    expect(Object.keys(all.share(rungs).encoders)).toEqual(rungs);
  });
});
