import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { missingSegment } from '#core/fmp4';
import type { EdgeSegment } from '#core/live-edge';
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from '../../test/constellation/platform.ts';
import { readPlaylist, type ReadPlaylist } from '../../test/walker/playlist.ts';
import type { RunningGateway, World } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { LiveStreams } from './testing/live-stream.fixture.ts';
import { announceEncoding, announceEncodingEnd, announceSegment } from './testing/stream-facts.ts';
import type { TestPackager } from './testing/test-packager.ts';
import { toldPart, toldSegment, type ToldSegment } from './testing/told-edge.ts';

let streams: LiveStreams;
let world: World;
let gateway: RunningGateway;
let authorization: string;
let packager: TestPackager;
let id: string;

beforeAll(async () => {
  streams = await LiveStreams.open();
  ({ world, gateway, authorization } = streams);
});

afterAll(() => streams.close());

beforeEach(async () => {
  ({ id, packager } = await streams.begin());
  tellSegment(5);
});

function tellPart(...of: Parameters<typeof toldPart>): void {
  packager.tell(...toldPart(...of));
}

function tellSegment(mediaSequence: number, run = 'r1', captions: EdgeSegment['captions'] = []): void {
  for (const rendition of ['720p', 'audio']) for (let index = 0; index < 4; index++) tellPart(mediaSequence, index, run, rendition);
  tellStored(mediaSequence, run, { captions });
}

function tellStored(mediaSequence: number, run: string, stored: ToldSegment = {}): void {
  for (const rendition of ['720p', 'audio']) packager.tell(toldSegment(rendition, mediaSequence, run, stored));
}

/** What comes of a segment that is held: empty boxes. */
const beats = /^(?:\0\0@\0free\0{16376})+/;
const get = (path: string): Promise<Answer> => ask(gateway.url, `/live/${id}/${path}`);
async function playlist(query = '', rendition = '720p'): Promise<ReadPlaylist> {
  const answer = await get(`${rendition}.m3u8${query}`);
  expect(answer.status).toBe(200);
  return readPlaylist(answer.text);
}
const newest = ({ open, segments }: ReadPlaylist): string => `${segments.at(-1)?.mediaSequence} ${open?.mediaSequence}.${(open?.parts.length ?? 0) - 1}`;
/** Answers whether the promise is still open after everything that is under way has come through. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => false), new Promise((resolve) => setTimeout(() => resolve(true), 100))])) === true;
}

describe('the live edge in playlists', () => {
  test('the first playlist has the parts, the next one hinted, and the other rendition reported', async () => {
    tellPart(6, 0);
    const first = await playlist();
    expect(newest(first)).toBe('5 6.0');
    expect(first.hints).toEqual(['./720p/6.1.r1.m4s']);
    expect(first.segments.at(-1)?.parts).toHaveLength(4);
    expect(first.segments.at(-2)?.parts).toEqual([]);
    expect(first.reports).toEqual([{ URI: './audio.m3u8', 'LAST-MSN': '5', 'LAST-PART': '3' }]);
    // A segment is listed when the packager says that it is on the log, whatever the rows have.
    tellSegment(6);
    const next = await playlist('?_HLS_msn=6');
    expect(next.segments.map(({ mediaSequence }) => mediaSequence)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await announceSegment(world, id, 6);
    await world.settle();
    expect((await playlist('?_HLS_msn=6')).segments.at(-1)?.uri).toBe('../../media/b720p6.m4s');
    expect(packager.connections).toBe(1);
  });

  test('a part is served by its name, for ever the same; one that is not there is not found', async () => {
    tellPart(6, 0);
    await playlist();
    const part = await get('720p/6.0.r1.m4s');
    expect([part.status, part.text, part.headers['cache-control']]).toEqual([200, '720p 6.0.r1', 'public, max-age=60, immutable']);
    for (const path of ['720p/6.0.r2.m4s', '720p/9.0.r1.m4s', '720p/6.9.r1.m4s', '1080p/6.0.r1.m4s'])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
  });

  test('a hinted part is held until all of it is there', async () => {
    await playlist();
    const asked = get('720p/6.0.r1.m4s');
    expect(await isOpen(asked)).toBe(true);
    tellPart(6, 0);
    expect((await asked).text).toBe('720p 6.0.r1');
  });

  test('a hint is held while its packager cannot be heard: what it was told of may come', async () => {
    await playlist();
    const asked = get('720p/6.0.r1.m4s');
    expect(await isOpen(asked)).toBe(true);
    packager.breakOff();
    const unheard = get('720p/6.1.r1.m4s');
    expect(await isOpen(Promise.race([asked, unheard]))).toBe(true);
    tellPart(6, 0);
    tellPart(6, 1);
    expect([(await asked).text, (await unheard).text]).toEqual(['720p 6.0.r1', '720p 6.1.r1']);
    const never = await get('720p/6.0.r0.m4s');
    expect([never.status, never.headers['cache-control']]).toEqual([404, 'public, max-age=1, must-revalidate']);
  });

  test('a hint whose run is over is not found', async () => {
    await playlist();
    const asked = get('720p/6.0.r1.m4s');
    expect(await isOpen(asked)).toBe(true);
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 6, renditions: ['720p', 'audio'] });
    expect((await asked).status).toBe(404);
  });
});

describe('captions beside the live edge', () => {
  test('wait with the segments of the picture, and have no parts', async () => {
    const captions = [{ channel: 'cc1', cid: 'bvtt', sizeBytes: 40 }];
    tellSegment(6, 'r1', captions);
    expect((await get('master.m3u8')).text).not.toContain('SUBTITLES');
    const first = await playlist('?_HLS_msn=6', 'cc1.captions');
    expect([first.segments.at(-1)?.uri, first.segments.at(-2)?.uri]).toEqual(['../../media/bvtt.vtt', '../../media/empty.vtt']);
    expect([first.segments.at(-1)?.parts, first.hints, first.tags.has('EXT-X-PART-INF'), first.tags.has('EXT-X-MAP')]).toEqual([[], [], false, false]);
    expect(first.serverControl).toEqual((await playlist()).serverControl);
    const asked = get('cc1.captions.m3u8?_HLS_msn=7');
    expect(await isOpen(asked)).toBe(true);
    tellPart(7, 0);
    expect(await isOpen(asked)).toBe(true);
    tellSegment(7, 'r1', captions);
    expect(readPlaylist((await asked).text).segments.at(-1)?.mediaSequence).toBe(7);
    expect((await get('cc3.captions.m3u8')).status).toBe(404);
  });
});

describe('captions by their number', () => {
  test('are held until the picture they go with is stored, and are empty where nobody spoke', async () => {
    const { cid, sizeBytes } = await world.engines.blobs.put(Buffer.from('WEBVTT\n\n00:00:12.000 --> 00:00:13.000\nYes.\n'));
    const captions = [{ channel: 'cc1', cid, sizeBytes }];
    await playlist();
    const asked = get('cc1.captions/6.vtt');
    tellPart(6, 0);
    expect(await isOpen(asked)).toBe(true);
    tellSegment(6, 'r1', captions);
    expect([(await asked).status, (await asked).text]).toEqual([200, 'WEBVTT\n\n00:00:12.000 --> 00:00:13.000\nYes.\n']);
    const other = await get('cc3.captions/6.vtt');
    expect([other.status, other.text.split('\n')[0], other.headers['cache-control']]).toEqual([200, 'WEBVTT', 'public, max-age=1']);
    const text = (await get('manifest.mpd')).text;
    expect(text).toContain('media="$RepresentationID$/p0-$Number$.vtt"');
    expect(text).toContain('<Representation id="cc1.captions"');
    expect((await get('cc1.captions/p0-6.vtt')).text).toBe('WEBVTT\n\n00:00:12.000 --> 00:00:13.000\nYes.\n');
    expect((await get('cc3.captions/p0-6.vtt')).text.split('\n')[0]).toBe('WEBVTT');
    expect((await get('cc1.captions/p0-99.vtt')).status).toBe(404);
    expect((await get('cc1.captions/99.vtt')).status).toBe(404);
  });
});

describe('a segment by its number, while it is made', () => {
  /** What has arrived of an answer, and what became of it. */
  interface Reading {
    text: string;
    end: 'open' | 'complete' | 'broken';
  }

  async function read(path: string, init: RequestInit = {}): Promise<{ readonly head: Response; readonly body: Reading }> {
    const head = await fetch(`${gateway.url}/live/${id}/${path}`, init);
    const body: Reading = { text: '', end: 'open' };
    const reader = head.body?.getReader();
    void (async () => {
      for (let piece = await reader?.read(); piece !== undefined && !piece.done; piece = await reader?.read())
        body.text += Buffer.from(piece.value as Uint8Array).toString();
      body.end = 'complete';
    })().catch(() => (body.end = 'broken'));
    return { head, body };
  }
  const becomes = (body: Reading, text: string, end: Reading['end']): Promise<void> =>
    until(
      () => body.text === text && body.end === end,
      10_000,
      () => `Not ${end} with "${text}": ${JSON.stringify(body)}`,
    ).then(() => undefined);
  const missing = Buffer.from(missingSegment()).toString();
  const grown = (parts: readonly string[]): string => parts.map((part) => `720p ${part}`).join('');

  test('goes out part after part, as they come, and ends when it is stored', async () => {
    await playlist();
    tellPart(6, 0);
    const { head, body } = await read('720p/6.m4s');
    expect([head.status, head.headers.get('transfer-encoding'), head.headers.get('content-type')]).toEqual([200, 'chunked', 'video/iso.segment']);
    expect(head.headers.get('cache-control')).toBe('public, max-age=60, immutable');
    await becomes(body, grown(['6.0.r1']), 'open');
    for (const index of [1, 2, 3]) tellPart(6, index);
    await becomes(body, grown(['6.0.r1', '6.1.r1', '6.2.r1', '6.3.r1']), 'open');
    tellStored(6, 'r1', { sizeBytes: body.text.length });
    await becomes(body, body.text, 'complete');
  });

  test('is waited for before its first part is there, and whoever comes later gets all of it', async () => {
    await playlist();
    const asked = read('720p/6.m4s');
    expect(await isOpen(asked)).toBe(true);
    tellPart(6, 0);
    tellPart(6, 1);
    const early = await asked;
    const late = await read('720p/6.m4s', { headers: { range: 'bytes=5-' } });
    expect(late.head.status).toBe(200);
    for (const { body } of [early, late]) await becomes(body, grown(['6.0.r1', '6.1.r1']), 'open');
    const about = await read('720p/6.m4s', { method: 'HEAD' });
    expect([about.head.status, about.head.headers.get('content-type')]).toEqual([200, 'video/iso.segment']);
  });

  test('breaks off when its encoder is over, and is had whole when the next one has stored it', async () => {
    await playlist();
    tellPart(6, 0);
    const { body } = await read('720p/6.m4s');
    await becomes(body, grown(['6.0.r1']), 'open');
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 6, renditions: ['720p', 'audio'] });
    await becomes(body, grown(['6.0.r1']), 'broken');
    const asked = get('720p/6.m4s');
    tellPart(6, 0, 'r2');
    expect(await isOpen(asked)).toBe(true);
    const { cid, sizeBytes } = await world.engines.blobs.put(Buffer.from('made anew'));
    tellStored(6, 'r2', { sizeBytes, cid });
    expect((await asked).text).toBe('made anew');
  });

  test('breaks off when its packager is killed', async () => {
    await playlist();
    tellPart(6, 0);
    const { body } = await read('720p/6.m4s');
    await becomes(body, grown(['6.0.r1']), 'open');
    packager.die();
    await becomes(body, grown(['6.0.r1']), 'broken');
  });

  test('begins a period as soon as its first part is there; whoever meant the one before gets nothing of it', async () => {
    await playlist();
    const meant = get('720p/p0-6.m4s');
    const another = read('720p/p0-7.m4s');
    const whichever = read('720p/6.m4s');
    expect(await isOpen(Promise.race([meant, whichever]))).toBe(true);
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 6, renditions: ['720p', 'audio'] });
    tellPart(6, 0, 'r2', '720p', true, 'bother');
    const { body: none } = await another;
    await until(
      () => none.end === 'complete' && none.text.replace(beats, '') === missing,
      10_000,
      () => `Not what nobody makes: ${none.end}`,
    );
    expect([(await meant).status, (await meant).text, (await meant).headers['cache-control']]).toEqual([200, missing, 'public, max-age=1']);
    for (const path of ['720p/p0-6.m4s', '720p/p0-7.m4s']) expect([path, (await get(path)).text]).toEqual([path, missing]);
    for (const { body } of [await whichever, await read('720p/p6-6.m4s')]) await becomes(body, grown(['6.0.r2']), 'open');
    const text = (await get('manifest.mpd')).text;
    expect(text.match(/<Period /g)).toHaveLength(2);
    expect(text).toContain('<Period id="p6" start="PT12S">');
    expect(text).toContain('startNumber="0" endNumber="5"');
  });

  test('is held while a publisher is away, and is what it begins with when it comes back with the same', async () => {
    await playlist();
    packager.die();
    const [next, afterNext] = [read('720p/p0-6.m4s'), read('720p/p0-7.m4s')];
    // What nothing comes of players give up: an empty box every three seconds.
    await until(
      async () => beats.test((await next).body.text) && beats.test((await afterNext).body.text),
      10_000,
      () => 'No sign of life.',
    );
    expect((await next).head.headers.get('cache-control')).toBe('public, max-age=1');
    const { cid } = await world.engines.blobs.put(Buffer.from('init'));
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 6, renditions: ['720p', 'audio'] });
    tellPart(6, 0, 'r2', '720p', true, cid);
    await until(
      async () => (await next).body.text.replace(beats, '') === '720p 6.0.r2' && (await next).body.end === 'open',
      10_000,
      () => 'It does not begin.',
    );
    const text = (await get('manifest.mpd')).text;
    expect(text.match(/<Period /g)).toHaveLength(1);
    expect((await get('720p/p0-99.m4s')).status).toBe(404);
  });

  test('goes on with the next encoder where one ends within it: its time has one number', async () => {
    const tellBoth = (mediaSequence: number, index: number, run: string, startUs: number, durationUs: number): void => {
      for (const rendition of ['720p', 'audio']) tellPart(mediaSequence, index, run, rendition, false, 'binit', { startUs, durationUs });
    };
    await playlist();
    for (const index of [0, 1, 2]) tellBoth(6, index, 'r1', 12_000_000 + index * 500_000, 500_000);
    tellBoth(6, 3, 'r1', 13_500_000, 100_000);
    const ofFirst = ['6.0.r1', '6.1.r1', '6.2.r1', '6.3.r1'];
    const { body } = await read('720p/p0-6.m4s');
    tellStored(6, 'r1', { sizeBytes: grown(ofFirst).length, startUs: 12_000_000, durationUs: 1_600_000 });
    await becomes(body, grown(ofFirst), 'open');
    const next = read('720p/p0-7.m4s');
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 7, renditions: ['720p', 'audio'] });
    tellBoth(7, 0, 'r2', 13_600_000, 400_000);
    await becomes(body, grown([...ofFirst, '7.0.r2']), 'open');
    tellBoth(8, 0, 'r2', 14_000_000, 500_000);
    await becomes((await next).body, grown(['8.0.r2']), 'open');
    tellStored(7, 'r2', { sizeBytes: grown(['7.0.r2']).length, startUs: 13_600_000, durationUs: 400_000 });
    await becomes(body, grown([...ofFirst, '7.0.r2']), 'complete');
  });

  test('in which encoders met is made of both, for ever, and those behind it are counted on', async () => {
    const captions = (time: string): string => `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n${time} --> 00:00:13.000\nYes.\n`;
    await announceSegment(world, id, 6, { startUs: 12_000_000, durationUs: 300_000, captions: captions('00:00:12.000') });
    await world.settle();
    // The rest may come: it is waited for.
    const [early, words] = [read('720p/p0-6.m4s'), get('cc1.captions/p0-6.vtt')];
    await becomes((await early).body, `${id} 720p 6 1`, 'open');
    expect(await isOpen(words)).toBe(true);
    await announceSegment(world, id, 7, { startUs: 12_300_000, durationUs: 1_700_000, captions: captions('00:00:12.300') });
    await announceSegment(world, id, 8, { startUs: 14_000_000 });
    await world.settle();
    const text = `${id} 720p 6 1${id} 720p 7 1`;
    await becomes((await early).body, text, 'complete');
    const stored = await get('720p/p0-6.m4s');
    expect([stored.status, stored.text, stored.headers['cache-control']]).toEqual([200, text, 'public, max-age=31536000, immutable']);
    const again = await ask(gateway.url, `/live/${id}/720p/p0-6.m4s`, { headers: { 'if-none-match': stored.headers['etag'] as string } });
    expect(again.status).toBe(304);
    for (const [path, of] of Object.entries({ 'p0-7': 8, '7': 7, 'p0-5': 5 })) expect((await get(`720p/${path}.m4s`)).text).toBe(`${id} 720p ${of} 1`);
    const whole = captions('00:00:12.000') + '\n00:00:12.300 --> 00:00:13.000\nYes.\n';
    for (const answer of [await words, await get('cc1.captions/p0-6.vtt')]) expect(answer.text).toBe(whole);
    const manifest = (await get('manifest.mpd')).text;
    expect(manifest.match(/<Period /g)).toHaveLength(1);
    expect(manifest.match(/availabilityTimeComplete="false"/g)).toHaveLength(2);
    expect(manifest).not.toContain('SegmentTimeline');
    // Of a stream that has ended the rest of the last one may be late.
    await announceSegment(world, id, 9, { startUs: 16_000_000, durationUs: 300_000 });
    await ask(gateway.url, '/api/v1/stream/stop', { method: 'POST', headers: { authorization }, body: { id } });
    await announceEncodingEnd(world, id);
    await world.settle();
    expect((await get('720p/p0-8.m4s')).headers['cache-control']).toBe('public, max-age=10, stale-if-error=30');
    expect((await get('720p/p0-7.m4s')).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('that was left out is nothing in its period, and not found without one', async () => {
    await playlist();
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 7, renditions: ['720p', 'audio'] });
    tellPart(7, 0, 'r2', '720p', true, 'bother');
    await becomes((await read('720p/p7-7.m4s')).body, grown(['7.0.r2']), 'open');
    expect((await get('720p/p0-6.m4s')).text).toBe(missing);
    for (const path of ['720p/6.m4s', '720p/p1x-6.m4s', '720p/p01-6.m4s']) expect([path, (await get(path)).status]).toEqual([path, 404]);
  });

  test('the manifest counts segments, and tells how early they are there', async () => {
    tellPart(6, 0);
    const answer = await get('manifest.mpd');
    expect(answer.headers['cache-control']).toBe('public, max-age=1, stale-if-error=30');
    expect(answer.text).toContain('availabilityTimeOffset="1.5" availabilityTimeComplete="false"');
    expect(answer.text).not.toContain('SegmentTimeline');
  });
});

/** What came on the connection until it was closed. */
async function talk(text: string, tellAll: () => void): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
  socket.write(text);
  tellAll();
  await once(socket, 'close');
  return heard;
}

describe('blocking reloads', () => {
  test('are answered in their order on one connection, which goes on until it is asked to end', async () => {
    await playlist();
    const line = (query: string, rest = ''): string => `GET /live/${id}/720p.m3u8${query} HTTP/1.1\r\nhost: gateway\r\n${rest}\r\n`;
    // The second is sent before the first is answered; the third does not wait for anything; the last one ends it.
    const heard = await talk(
      [
        line('?_HLS_msn=6&_HLS_part=0', 'x-request-id: one\r\n'),
        line('?_HLS_msn=6&_HLS_part=1'),
        line('?_HLS_msn=6&_HLS_part=0'),
        line('', 'connection: close\r\n'),
      ].join(''),
      () => setTimeout(() => [0, 1].forEach((index) => tellPart(6, index)), 100),
    );
    const answers = heard.split(/(?=HTTP\/1\.1 )/);
    expect(answers).toHaveLength(4);
    for (const answer of answers) {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 200 /);
      expect(Number(/^content-length: (\d+)$/im.exec(head)?.[1])).toBe(body.length);
      expect(Date.now() - Date.parse(/^date: (.*)$/im.exec(head)?.[1] ?? '')).toBeLessThan(60_000);
      expect(readPlaylist(body).segments.length).toBeGreaterThan(0);
    }
    expect(answers[0]).toContain('x-request-id: one\r\n');
    expect(newest(readPlaylist((answers[1] as string).split('\r\n\r\n')[1] as string))).toBe('5 6.1');
  });

  test('are answered when the part or the segment is there, all at once by one playlist', async () => {
    await playlist();
    const asked = Array.from({ length: 20 }, () => get('720p.m3u8?_HLS_msn=6&_HLS_part=0'));
    const whole = get('720p.m3u8?_HLS_msn=6');
    const behindTheLast = get('720p.m3u8?_HLS_msn=5&_HLS_part=4');
    expect(await isOpen(Promise.race(asked))).toBe(true);
    tellPart(6, 0);
    const answers = await Promise.all([...asked, behindTheLast]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(newest(readPlaylist(answers[0]?.text ?? ''))).toBe('5 6.0');
    expect(answers[0]?.headers['cache-control']).toBe('public, max-age=2');
    expect(await isOpen(whole)).toBe(true);
    tellSegment(6);
    expect(readPlaylist((await whole).text).segments.at(-1)?.mediaSequence).toBe(6);
  });

  test('the past is answered at once, what nobody can know of is refused, and so is a part without its segment', async () => {
    expect(newest(await playlist('?_HLS_msn=0&_HLS_part=3'))).toBe('5 undefined.-1');
    for (const query of ['_HLS_msn=8', '_HLS_msn=6&_HLS_part=7', '_HLS_part=0', '_HLS_msn=x', '_HLS_msn=6&_HLS_part=-1', '_HLS_msn=1&_HLS_msn=2']) {
      const answer = await get(`720p.m3u8?${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
    }
  });

  test('what does not come within three target durations is not available', async () => {
    const paths = ['audio.m3u8?_HLS_msn=6&_HLS_part=0', 'audio/6.m4s'];
    const answers = await Promise.all(paths.map(get));
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [503, '1'],
      [503, '1'],
    ]);
    for (const path of ['720p/10.m4s', '720p/p0-99.m4s']) expect([path, (await get(path)).status]).toEqual([path, 404]);
  }, 15_000);

  test('an end is waited for by nobody, and the parts before it are there for a while', async () => {
    await playlist();
    const asked = get('720p.m3u8?_HLS_msn=6');
    const counted = get('720p/p0-6.m4s');
    expect(await isOpen(Promise.race([asked, counted]))).toBe(true);
    await ask(gateway.url, '/api/v1/stream/stop', { method: 'POST', headers: { authorization }, body: { id } });
    await announceEncodingEnd(world, id);
    await world.settle();
    const ended = readPlaylist((await asked).text);
    expect((await counted).text.replace(beats, '')).toBe(Buffer.from(missingSegment()).toString());
    expect([ended.ended, ended.hints, ended.serverControl]).toEqual([true, [], {}]);
    expect((await playlist('?_HLS_msn=99&_HLS_part=99')).ended).toBe(true);
    expect((await playlist('?_HLS_part=99')).ended).toBe(true);
    // The stream is let go of between two of these.
    for (let look = 0; look < 5; look++) {
      expect((await get('720p/5.0.r1.m4s')).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  });
});

describe('without its packager', () => {
  test('a playlist goes on from rows, says what it said, and has parts again when there is one', async () => {
    tellPart(6, 0);
    const before = await playlist();
    packager.die();
    const asked = get('720p.m3u8?_HLS_msn=6');
    expect(await isOpen(asked)).toBe(true);
    await announceSegment(world, id, 6);
    await world.settle();
    const away = readPlaylist((await asked).text);
    for (const tag of ['EXT-X-SERVER-CONTROL', 'EXT-X-PART-INF', 'EXT-X-TARGETDURATION']) expect(away.tags.get(tag)).toBe(before.tags.get(tag));
    expect(away.segments.at(-1)?.parts.map(({ gap }) => gap)).toEqual([false, true, true, true]);
    packager.tell({ kind: 'run', run: 'r2', mediaSequence: 7, renditions: ['720p', 'audio'] });
    tellPart(7, 0, 'r2');
    const again = await playlist('?_HLS_msn=7&_HLS_part=0');
    expect(newest(again)).toBe('6 7.0');
    expect(again.hints).toEqual(['./720p/7.1.r2.m4s']);
  });

  test('one that sends nonsense is left, and comes again', async () => {
    await playlist();
    packager.babble();
    tellPart(6, 0);
    expect(newest(await playlist('?_HLS_msn=6&_HLS_part=0'))).toBe('5 6.0');
    expect(packager.connections).toBeGreaterThan(1);
  });

  test('a stream whose encoder has no live edge is played from segments, and waits for nothing', async () => {
    await announceEncoding(world, id, 2n);
    await world.settle();
    const plain = await playlist('?_HLS_msn=99');
    expect(plain.serverControl).toEqual({ 'CAN-SKIP-UNTIL': '12' });
    expect(plain.partTargetSec).toBeUndefined();
  });

  test('playlists of the past have no parts', async () => {
    tellPart(6, 0);
    const past = await playlist(`?asOf=${new Date(Date.now() - 1).toISOString()}&window=live`);
    expect([past.open, past.partTargetSec, past.segments.length]).toEqual([undefined, undefined, 6]);
  });
});
