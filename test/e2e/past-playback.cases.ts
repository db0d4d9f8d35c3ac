import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EngineSet, RunningSet } from '../constellation/engine-sets.ts';
import { framesOf, secondsOf } from '../constellation/frames.ts';
import { Platform, until } from '../constellation/platform.ts';
import { Publisher } from '../constellation/publisher.ts';
import { readerToken } from '../constellation/reader-token.ts';

const frameRate = 15;

/** A live stream as it stood at past moments, from a real ffmpeg that publishes to one that plays, on a set of engines. */
export function pastPlaybackCases(set: EngineSet): void {
  describe(`the past of a live stream, on ${set.name}`, () => {
    let engines: RunningSet;
    let platform: Platform;
    let publisher: Publisher;
    let id: string;
    /** A time, a token, and a later time. */
    let asked: readonly [string, string, string];

    const path = (asOf = ''): string => `/live/${id}/240p.m3u8${asOf === '' ? '' : `?asOf=${asOf}`}`;
    const text = async (base: string, asOf?: string): Promise<string> => (await fetch(base + path(asOf))).text();
    const segments = (playlist: string): number => playlist.split('#EXTINF').length - 1;
    const hasSegments = (count: number): Promise<unknown> =>
      until(
        async () => segments(await text(platform.gatewayUrl)) >= count,
        60_000,
        () => `There are no ${count} segments.\n${publisher.log}\n${platform.log.slice(-3000)}`,
      );

    beforeAll(async () => {
      engines = await set.start();
      platform = await Platform.start({ env: engines.env });
      const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'The past' });
      ({ id } = stream);
      publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), width: 426, height: 240, frameRate, videoBitrate: '300k' });
      await hasSegments(2);
      const early = new Date().toISOString();
      const token = await readerToken(platform.gatewayUrl, platform.key);
      await hasSegments(5);
      asked = [early, token, new Date().toISOString()];
    }, 240_000);

    afterAll(async () => {
      await publisher?.stop();
      await platform?.stop();
      await engines?.stop();
    });

    test('is a closed playlist that ends there, and plays to its end, from the gateway and from the edge', async () => {
      const playlists = await Promise.all(asked.map((asOf) => text(platform.gatewayUrl, asOf)));
      for (const [at, asOf] of asked.entries()) {
        const playlist = playlists[at] as string;
        expect(playlist).toMatch(/#EXT-X-PLAYLIST-TYPE:VOD[^]*#EXT-X-ENDLIST\n$/);
        for (const base of [platform.gatewayUrl, platform.edgeUrl]) {
          expect(await text(base, asOf)).toBe(playlist);
          expect(Math.abs((await framesOf(base + path(asOf))) - frameRate * secondsOf(playlist))).toBeLessThanOrEqual(2);
        }
      }
      expect(segments(playlists[2] as string)).toBeGreaterThan(segments(playlists[0] as string));
    });

    test('is reached by its multivariant playlist as well', async () => {
      const [early] = asked;
      const seconds = secondsOf(await text(platform.gatewayUrl, early));
      for (const base of [platform.gatewayUrl, platform.edgeUrl])
        expect(Math.abs((await framesOf(`${base}/live/${id}/master.m3u8?asOf=${early}`)) - frameRate * seconds)).toBeLessThanOrEqual(2);
    });

    test('is kept apart by the edge: each moment under its own name, and none in the place of what is live', async () => {
      const [, token] = asked;
      const first = await Promise.all(asked.map((asOf) => text(platform.edgeUrl, asOf)));
      const live = await text(platform.edgeUrl);
      expect(live).not.toContain('#EXT-X-ENDLIST');
      await until(
        async () => (await text(platform.edgeUrl)) !== live,
        60_000,
        () => 'The live playlist at the edge stands still.',
      );
      expect(await Promise.all(asked.map((asOf) => text(platform.edgeUrl, asOf)))).toEqual(first);
      expect(await text(platform.edgeUrl)).not.toContain('#EXT-X-ENDLIST');
      // Of a token nothing can change any more: it is kept for ever, also under another spelling of the same query.
      const kept = await fetch(`${platform.edgeUrl}${path()}?window=whole&asOf=${token}`);
      const again = await fetch(`${platform.edgeUrl}${path()}?asOf=${token}&window=whole`);
      expect(kept.headers.get('cache-control')).toContain('immutable');
      expect(again.headers.get('cache-status')).toMatch(/; ?hit/);
      expect(await again.text()).toBe(first[1]);
    });

    test('that cannot be answered is refused with the field and a reason, by the edge as by the gateway', async () => {
      const [, token] = asked;
      const wrong = [
        ['yesterday', 'invalid-request'],
        ['2026-02-31T25:00:00Z', 'invalid-request'],
        [new Date(Date.now() + 60_000).toISOString(), 'as-of-in-future'],
        ['2020-01-01T00:00:00Z', 'as-of-before-log'],
        [`${token.slice(0, -4)}AAAA`, 'token-invalid'],
      ] as const;
      for (const base of [platform.gatewayUrl, platform.edgeUrl]) {
        for (const [asOf, code] of wrong) {
          const response = await fetch(base + path(asOf));
          const problem = (await response.json()) as { readonly type: string; readonly errors: ReadonlyArray<{ readonly field: string }> };
          expect([asOf, response.status, problem.type, problem.errors[0]?.field]).toEqual([asOf, 400, `urn:streams:problem:${code}`, 'query.asOf']);
        }
      }
    });
  });
}
