import { describe, expect, test } from '@jest/globals';
import { AudienceCounter, type PlaylistRequest } from './audience.core.ts';

const from = (clientAddress: string, target = '/live/st-7f3k2m4q/720p.m3u8', fields: Readonly<Record<string, string>> = {}): PlaylistRequest => ({
  target,
  clientAddress,
  field: (name) => fields[name],
});

describe('viewers of an edge', () => {
  test('whoever asks for a playlist counts once, until he has not for half a minute', () => {
    const audience = new AudienceCounter();
    for (const at of [0, 2000, 4000]) for (const address of ['10.0.0.1', '10.0.0.2']) audience.see(from(address), at);
    expect(audience.report(5000)).toEqual([{ streamId: 'st-7f3k2m4q', joined: 2, left: 0 }]);
    expect(audience.report(6000)).toEqual([]);
    audience.see(from('10.0.0.1'), 30_000);
    expect(audience.report(35_000)).toEqual([{ streamId: 'st-7f3k2m4q', joined: 2, left: 1 }]);
    audience.see(from('10.0.0.2'), 36_000);
    expect(audience.report(37_000)).toEqual([{ streamId: 'st-7f3k2m4q', joined: 3, left: 1 }]);
  });

  test('while somebody watches it says so again and again, and then no more', () => {
    const audience = new AudienceCounter();
    audience.see(from('10.0.0.1'), 0);
    audience.report(0);
    expect(audience.report(15_000)).toHaveLength(1);
    expect(audience.report(31_000)).toEqual([{ streamId: 'st-7f3k2m4q', joined: 1, left: 1 }]);
    expect(audience.report(300_000)).toEqual([]);
  });

  test('a session that the player names is a viewer, whatever its address', () => {
    const audience = new AudienceCounter();
    const sid = { 'cmcd-session': 'cid="x",sid="6e2fb550"' };
    audience.see(from('10.0.0.1', undefined, sid), 0);
    audience.see(from('10.0.0.2', undefined, sid), 0);
    audience.see(from('10.0.0.1', undefined, { 'cmcd-session': 'sid="another"' }), 0);
    audience.see(from('10.0.0.1', '/live/st-7f3k2m4q/720p.m3u8?CMCD=sid%3D%22third%22', {}), 0);
    audience.see(from('10.0.0.9', undefined, { 'x-playback-session-id': 'apple' }), 0);
    expect(audience.report(1)).toEqual([{ streamId: 'st-7f3k2m4q', joined: 4, left: 0 }]);
  });

  test('programs behind one address are told apart, streams count for themselves', () => {
    const audience = new AudienceCounter();
    for (const agent of ['vlc', 'hls.js']) audience.see(from('10.0.0.1', undefined, { 'user-agent': agent }), 0);
    audience.see(from('10.0.0.1', '/live/st-aaaaaaaa/manifest.mpd?x=1'), 0);
    expect(audience.report(1)).toEqual([
      { streamId: 'st-7f3k2m4q', joined: 2, left: 0 },
      { streamId: 'st-aaaaaaaa', joined: 1, left: 0 },
    ]);
  });

  test.each(['/media/bafk.m4s', '/live/time', '/live/st-7f3k2m4q/720p/3.m4s', '/api/v1/streams', '/live/../x.m3u8', '/live/st-A/x.m3u8'])(
    '%s is nobody',
    (target) => {
      const audience = new AudienceCounter();
      audience.see(from('10.0.0.1', target), 0);
      expect(audience.report(1)).toEqual([]);
    },
  );
});
