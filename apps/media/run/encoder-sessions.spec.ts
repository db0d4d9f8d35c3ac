import { describe, expect, test } from '@jest/globals';
import { EncoderSessions } from './encoder-sessions.ts';

type Rungs = Parameters<EncoderSessions['share']>[0];
const rungs: Rungs = ['1080p', '720p', '480p'].map((name) => ({ name, codec: 'h264' }));
const both = ['h264', 'hevc'] as const;

function sessions(...working: ConstructorParameters<typeof EncoderSessions>[0]): { readonly all: EncoderSessions; sleep(ms: number): void } {
  let now = 1_000_000;
  return { all: new EncoderSessions(working, { now: () => now }), sleep: (ms) => void (now += ms) };
}

describe('sessions of hardware encoders', () => {
  test('without any, everything is encoded in software', () => {
    expect(sessions().all.share(rungs).encoders).toEqual({});
  });

  test('the largest rungs come first, and the better kind before the other', () => {
    const { all } = sessions({ kind: 'nvenc', codecs: both, sessionsMax: 1 }, { kind: 'vaapi', codecs: both, sessionsMax: 1 });
    expect(all.share(rungs).encoders).toEqual({ '1080p': 'nvenc', '720p': 'vaapi' });
    expect(all.share(rungs).encoders).toEqual({});
    expect(all.inUse).toEqual({ nvenc: 1, vaapi: 1 });
  });

  test('a card that does not know a codec is passed over for it', () => {
    const { all } = sessions({ kind: 'nvenc', codecs: ['h264'], sessionsMax: 2 }, { kind: 'vaapi', codecs: both, sessionsMax: 1 });
    const mixed: Rungs = [{ name: '1080p', codec: 'hevc' }, { name: '720p', codec: 'hevc' }, ...rungs.slice(2)];
    expect(all.share(mixed).encoders).toEqual({ '1080p': 'vaapi', '480p': 'nvenc' });
  });

  test('what a run held is free after it, once', () => {
    const { all } = sessions({ kind: 'nvenc', codecs: both, sessionsMax: 2 });
    const first = all.share(rungs);
    const second = all.share(rungs);
    first.release();
    first.release();
    expect(all.inUse).toEqual({ nvenc: 0 });
    second.release();
    expect(Object.keys(all.share(rungs).encoders)).toEqual(['1080p', '720p']);
  });

  test('a refusal tells how many there are, for a while', () => {
    const { all, sleep } = sessions({ kind: 'nvenc', codecs: both, sessionsMax: 8 });
    const other = all.share(rungs.slice(0, 1));
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
    expect(Object.keys(all.share(rungs).encoders)).toEqual(['1080p', '720p', '480p']);
  });
});
