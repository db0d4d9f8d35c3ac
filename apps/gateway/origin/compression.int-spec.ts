import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { startGateway, World, type RunningGateway } from '../testing/gateway.fixture.ts';
import { ask, type Answer } from '../testing/http-client.ts';
import { announceEncoding, announceSegment } from '../testing/stream-facts.ts';
import { TestPackager } from '../testing/test-packager.ts';

const startMs = 1_790_000_000_000;
const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;
type Coding = keyof typeof decoders;
const codings = Object.keys(decoders) as Coding[];

let world: World;
let gateway: RunningGateway;
let packager: TestPackager;
let authorization: string;
let id: string;

const get = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> =>
  ask(gateway.url, `/live/${id}/${path}`, { headers, method });
const taken = (coding: string): Readonly<Record<string, string>> => ({ 'accept-encoding': coding });

/** A manifest of a stream that goes on says when it was made. */
const timeless = (text: string): string => text.replaceAll(/ (publishTime|availabilityStartTime)="[^"]*"/g, '');

function tellPart(index: number): void {
  const place = { run: 'r1', rendition: '720p', mediaSequence: 200, initCid: 'binit', discontinuity: false, programDateTimeMs: startMs + 400_000 };
  const track = index === 0 ? { timescale: 90_000, codecs: 'avc1.64001f' } : undefined;
  const times = { startUs: 400_000_000 + index * 500_000, durationUs: 500_000, track };
  packager.tell({ kind: 'part', ...place, index, last: index === 3, independent: index === 0, ...times }, Buffer.from('part'));
}

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  ({ authorization } = await world.key(['admin']));
  packager = await TestPackager.open();
  id = (await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { authorization }, body: { name: 'live' } })).json.id as string;
  await announceEncoding(world, id, 1n, packager.url);
  for (let mediaSequence = 0; mediaSequence < 200; mediaSequence++) await announceSegment(world, id, mediaSequence);
  await world.settle();
  await ask(gateway.url, `/api/v1/stream/${id}/marker`, {
    method: 'POST',
    headers: { authorization },
    body: { id: 'goal', at: new Date(startMs + 390_000).toISOString(), attributes: { TITLE: 'Grüße, 世界' } },
  });
  await world.settle();
  packager.tell({ kind: 'run', run: 'r1', mediaSequence: 200, renditions: ['720p', 'audio'] });
});

afterAll(async () => {
  await packager.close();
  await gateway.stop();
  await world.close();
});

describe('playlists and manifests over the wire', () => {
  test.each(['720p.m3u8', 'manifest.mpd', 'master.m3u8', '720p.iframes.m3u8', 'ts/720p.m3u8'])('%s is compressed as the client takes it', async (file) => {
    for (const coding of codings) {
      const [plain, small] = [await get(file), await get(file, taken(coding))];
      expect([plain.status, plain.headers['content-encoding'], plain.headers.vary]).toEqual([200, undefined, 'Accept-Encoding']);
      expect([small.status, small.headers['content-encoding'], small.headers.vary]).toEqual([200, coding, 'Accept-Encoding']);
      expect(small.headers['content-type']).toBe(plain.headers['content-type']);
      expect(Number(small.headers['content-length'])).toBe(small.bytes.length);
      expect(timeless(decoders[coding](small.bytes).toString())).toBe(timeless(plain.text));
      expect(small.bytes.length).toBeLessThan(plain.bytes.length);
      // RFC 9110 section 8.8.1: other bytes that mean the same.
      expect([plain.headers.etag, small.headers.etag]).toEqual([expect.stringMatching(/^"[^"]+"$/), expect.stringMatching(/^W\/"[^"]+"$/)]);
      if (file !== 'manifest.mpd') expect(small.headers.etag).toBe(`W/${plain.headers.etag}`);
    }
  });

  test('the client that takes nothing, or prefers it plain, has it plain', async () => {
    for (const field of ['identity', 'gzip;q=0', 'gzip;q=0.1, identity', 'compress'])
      expect([field, (await get('720p.m3u8', taken(field))).headers['content-encoding']]).toEqual([field, undefined]);
  });

  test('whoever has it in any coding hears that it is the same', async () => {
    const { etag = '' } = (await get('720p.m3u8')).headers;
    for (const tag of [etag, `W/${etag}`])
      for (const coding of [...codings, 'identity']) {
        const answer = await get('720p.m3u8', { ...taken(coding), 'if-none-match': tag });
        const own = coding === 'identity' ? etag : `W/${etag}`;
        expect([answer.status, answer.bytes.length, answer.headers.vary, answer.headers.etag]).toEqual([304, 0, 'Accept-Encoding', own]);
      }
  });

  test('HEAD says what GET would', async () => {
    const [head, whole] = [await get('720p.m3u8', taken('gzip'), 'HEAD'), await get('720p.m3u8', taken('gzip'))];
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    for (const field of ['content-length', 'content-encoding', 'etag', 'vary']) expect([field, head.headers[field]]).toEqual([field, whole.headers[field]]);
  });

  test('those who have waited for the same part have it in their own coding, titles in any script included', async () => {
    const path = '720p.m3u8?_HLS_msn=200&_HLS_part=0&_HLS_skip=YES';
    const waiting = [...codings, ...codings, 'identity'].map(async (coding) => [coding, await get(path, taken(coding))] as const);
    await new Promise((resolve) => setTimeout(resolve, 100));
    tellPart(0);
    const answers = await Promise.all(waiting);
    const plain = answers.at(-1)?.[1] as Answer;
    expect(plain.text).toContain('X-TITLE="Grüße, 世界"');
    expect(plain.text).toContain('#EXT-X-SKIP');
    expect(Number(plain.headers['content-length'])).toBe(plain.bytes.length);
    for (const [coding, { status, headers, bytes }] of answers.slice(0, -1)) {
      expect([status, headers['content-encoding'], headers.vary, headers.etag]).toEqual([200, coding, 'Accept-Encoding', `W/${plain.headers.etag}`]);
      expect(decoders[coding as Coding](bytes).toString()).toBe(plain.text);
    }
    expect(answers[codings.indexOf('gzip')]?.[1].bytes.length).toBeLessThan(plain.bytes.length / 2);
  });
});
