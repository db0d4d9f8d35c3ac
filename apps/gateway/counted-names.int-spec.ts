import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { missingSegment } from '#core/fmp4';
import { until } from '../../test/constellation/platform.ts';
import type { RunningGateway, World } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { LiveStreams } from './testing/live-stream.fixture.ts';
import { announceSegment } from './testing/stream-facts.ts';
import type { TestPackager } from './testing/test-packager.ts';
import { toldPart, toldSegment } from './testing/told-edge.ts';

let streams: LiveStreams;
let world: World;
let gateway: RunningGateway;
let packager: TestPackager;
let id: string;

beforeAll(async () => {
  streams = await LiveStreams.open();
  ({ world, gateway } = streams);
});

afterAll(() => streams.close());

beforeEach(async () => {
  ({ id, packager } = await streams.begin());
});

const get = (path: string): Promise<Answer> => ask(gateway.url, `/live/${id}/${path}`);
const missing = Buffer.from(missingSegment()).toString();

describe('numbers that DASH players count', () => {
  test('of renditions that the stream does not have are not found at once, stored or in the making', async () => {
    await world.settle();
    for (const path of ['nope/p0-5', 'nope/p0-6', 'thumbnails/p0-6', 'cc1.captions/p0-7']) {
      const { status, json } = await get(`${path}.m4s`);
      expect([path, status, json.detail]).toEqual([path, 404, 'The stream has no such rendition.']);
    }
    expect((await get('nope/6.m4s')).status).toBe(404);
  });

  test('of a period that does not begin there are not found, and of one that is just beginning are waited for', async () => {
    await world.settle();
    for (const path of ['720p/p5-5', '720p/p3-5', 'audio/p5-5']) expect([path, (await get(`${path}.m4s`)).status]).toEqual([path, 404]);
    // One rendition has begun it, the other has not yet.
    packager.tell(...toldPart(6, 0, 'r1', '720p', true, 'bother'));
    expect((await get('manifest.mpd')).text).toContain('<Period id="p6"');
    const sound = get('audio/p6-6.m4s');
    await announceSegment(world, id, 6, { discontinuity: true, pictureInit: 'other' });
    await announceSegment(world, id, 7, { pictureInit: 'other' });
    await world.settle();
    expect((await sound).text).toBe(`${id} audio 6 1`);
  });

  test('end with their period where another rendition begins the next one, whatever their own media says', async () => {
    await announceSegment(world, id, 6, { startUs: 12_000_000, durationUs: 600_000 });
    await announceSegment(world, id, 7, { startUs: 12_600_000, durationUs: 1_400_000, discontinuity: true, pictureInit: 'other' });
    for (const mediaSequence of [8, 9]) await announceSegment(world, id, mediaSequence, { pictureInit: 'other' });
    await world.settle();
    expect((await get('manifest.mpd')).text).toContain('<Period id="p7" start="PT12.6S">');
    for (const rendition of ['720p', 'audio']) {
      const last = await get(`${rendition}/p0-6.m4s`);
      expect([last.text, last.headers['cache-control']]).toEqual([`${id} ${rendition} 6 1`, 'public, max-age=31536000, immutable']);
      expect((await get(`${rendition}/p7-7.m4s`)).text).toBe(`${id} ${rendition} 7 1`);
      for (const number of [7, 8, 9]) expect([rendition, number, (await get(`${rendition}/p0-${number}.m4s`)).text]).toEqual([rendition, number, missing]);
    }
  });

  test('go on behind a publisher of the same coding whose key frames are at another phase', async () => {
    await announceSegment(world, id, 6, { startUs: 12_000_000, durationUs: 199_000 });
    for (const mediaSequence of [7, 8, 9]) await announceSegment(world, id, mediaSequence, { startUs: (mediaSequence - 1) * 2_000_000 + 199_000 });
    await world.settle();
    const manifest = (await get('manifest.mpd')).text;
    expect([manifest.match(/<Period /g)?.length, manifest.match(/availabilityTimeComplete="false"/g)?.length]).toEqual([1, 2]);
    for (const rendition of ['720p', 'audio']) {
      expect((await get(`${rendition}/p0-6.m4s`)).text).toBe(`${id} ${rendition} 6 1${id} ${rendition} 7 1`);
      expect((await get(`${rendition}/p0-7.m4s`)).text).toBe(`${id} ${rendition} 8 1`);
    }
    // What is being made is found by its time, too.
    const next = get('720p/p0-9.m4s');
    const place = { startUs: 18_199_000, durationUs: 2_000_000 };
    for (const index of [0, 1, 2, 3])
      packager.tell(...toldPart(10, index, 'r1', '720p', false, 'binit', { startUs: place.startUs + index * 500_000, durationUs: 500_000 }));
    const made = [0, 1, 2, 3].map((index) => `720p 10.${index}.r1`).join('');
    const { cid, sizeBytes } = await world.engines.blobs.put(Buffer.from(made));
    for (const rendition of ['720p', 'audio']) packager.tell(toldSegment(rendition, 10, 'r1', { ...place, cid, sizeBytes }));
    expect((await next).text).toBe(made);
  });

  test("begin anew where such a publisher's key frames are further behind than half a segment, early and in the making as anywhere", async () => {
    await announceSegment(world, id, 6, { startUs: 12_000_000, durationUs: 1_400_000 });
    await world.settle();
    packager.tell(...toldPart(7, 0, 'r1', '720p', true, 'binit', { startUs: 13_400_000, durationUs: 500_000 }));
    const early = (manifest: string): unknown[] => [
      [...manifest.matchAll(/<Period id="(\w+)" start="(\S+)"/g)].map(([, name, start]) => `${name} ${start}`),
      manifest.match(/availabilityTimeComplete="false"/g)?.length,
      manifest.includes('<Latency '),
    ];
    // Of the sound nothing has come yet.
    expect(early((await get('manifest.mpd')).text)).toEqual([['p0 PT0S', 'p7 PT13.4S'], 3, true]);
    for (const mediaSequence of [7, 8, 9])
      await announceSegment(world, id, mediaSequence, { startUs: (mediaSequence - 1) * 2_000_000 + 1_400_000, discontinuity: mediaSequence === 7 });
    await world.settle();
    // Who follows a live edge is shown rows a moment later.
    const shown = async (): Promise<unknown[]> => early((await get('manifest.mpd')).text);
    await until(
      async () => (await shown())[1] === 4,
      5000,
      () => 'The sound of the period is not counted.',
    );
    expect(await shown()).toEqual([['p0 PT0S', 'p7 PT13.4S'], 4, true]);
    for (const rendition of ['720p', 'audio']) {
      expect((await get(`${rendition}/p0-6.m4s`)).text).toBe(`${id} ${rendition} 6 1`);
      for (const number of [7, 8, 9]) expect((await get(`${rendition}/p7-${number}.m4s`)).text).toBe(`${id} ${rendition} ${number} 1`);
    }
  });

  test('of media that is joined have a tag without spaces, by which they are not sent again', async () => {
    await announceSegment(world, id, 6, { startUs: 12_000_000, durationUs: 300_000 });
    await announceSegment(world, id, 7, { startUs: 12_300_000, durationUs: 1_700_000 });
    await announceSegment(world, id, 8, { startUs: 14_000_000 });
    await world.settle();
    const joined = await get('720p/p0-6.m4s');
    expect(joined.text).toBe(`${id} 720p 6 1${id} 720p 7 1`);
    // RFC 9110 section 8.8.3: etagc.
    expect(joined.headers['etag']).toMatch(/^"[\x21\x23-\x7e]+"$/);
    const again = await ask(gateway.url, `/live/${id}/720p/p0-6.m4s`, { headers: { 'if-none-match': joined.headers['etag'] as string } });
    expect([again.status, again.headers['etag']]).toEqual([304, joined.headers['etag']]);
  });
});
