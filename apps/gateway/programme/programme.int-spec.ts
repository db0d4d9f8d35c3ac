/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { edgeAudienceReported, streamAlertRaised, streamMeasured, thumbnailsProduced, type DraftOf } from '#events';
import { realEngines, startGateway, World, type RunningGateway } from '../testing/gateway.fixture.ts';
import type { BlobInfo } from '#ports';
import { ask, type Answer } from '../testing/http-client.ts';
import { announceEncoding, announceMedia, announceSegment } from '../testing/stream-facts.ts';

let world: World;
let gateway: RunningGateway;
let headers: { readonly authorization: string };
let id: string;

/** splice_insert() of SCTE 35 section 14.2. */
const section = '0xFC302F000000000000FFFFF014054800008F7FEFFE7369C02EFE0052CCF500000000000A0008435545490000013562DBA30A';
const startMs = 1_790_000_000_000;
const iso = (ms: number): string => new Date(startMs + ms).toISOString();
const call = (method: string, path: string, body?: unknown, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) });

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
  id = (await call('POST', '/api/v1/stream/start', { name: 'news' })).json.id as string;
  await announceEncoding(world, id);
  for (let at = 0; at < 4; at++) await announceSegment(world, id, at);
  await world.settle();
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

async function playlist(file: string): Promise<string> {
  return (await ask(gateway.url, `/live/${id}/${file}`)).text;
}

describe('markers', () => {
  test('are in the media playlists, not in those of key frames, and can be said more about', async () => {
    const first = {
      id: 'break-1',
      class: 'ad',
      at: iso(3000),
      plannedDurationSeconds: 30,
      scte35Out: section.toLowerCase(),
      attributes: { TITLE: 'Break', NUMBER: 2 },
    };
    const made = await call('POST', `/api/v1/stream/${id}/marker`, first);
    expect([made.status, made.json]).toEqual([
      201,
      expect.objectContaining({ id: 'break-1', at: iso(3000), scte35Out: section, durationSeconds: null, origin: 'api' }),
    ]);
    await call('POST', `/api/v1/stream/${id}/marker`, { ...first, durationSeconds: 28.5 });
    await world.settle();
    const tag = `#EXT-X-DATERANGE:ID="break-1",CLASS="ad",START-DATE="${iso(3000)}",DURATION=28.500,PLANNED-DURATION=30.000,X-TITLE="Break",X-NUMBER=2,SCTE35-OUT=${section}`;
    for (const rendition of ['720p', 'audio']) expect((await playlist(`${rendition}.m3u8?x=1`)).split('\n')).toContain(tag);
    expect(await playlist('720p.iframes.m3u8')).not.toContain('DATERANGE');
    const mpd = await playlist('manifest.mpd');
    expect(mpd).toMatch(
      /<EventStream schemeIdUri="urn:scte:scte35:2014:xml\+bin" timescale="1000"><Event presentationTime="3000" duration="28500" id="\d+"><Signal/,
    );
    expect(mpd).toContain('<EventStream schemeIdUri="urn:streams:marker" value="ad" timescale="1000">');
    expect((await call('GET', `/api/v1/streams/${id}/markers`)).json.items).toEqual([
      expect.objectContaining({ id: 'break-1', durationSeconds: 28.5, attributes: { TITLE: 'Break', NUMBER: 2 } }),
    ]);
  });

  test('asked for again under the same key, there is one', async () => {
    const again = () => call('POST', `/api/v1/stream/${id}/marker`, { at: iso(0) }, { 'idempotency-key': 'once' });
    const [one, other] = [await again(), await again()];
    expect([one.status, other.status, other.json.id]).toEqual([201, 201, one.json.id]);
  });

  test.each([
    [{ scte35Out: 'FC30' }, 400, 'body.scte35Out'],
    [{ scte35Out: '0xFC30' }, 400, 'at least 17 bytes'],
    [{ scte35In: section.slice(0, -2) }, 400, 'Its length says 50 bytes; it has 49.'],
    [{ scte35Cmd: section.replace('0548', '0549') }, 400, 'CRC'],
    [{ at: iso(-86_401_000) }, 400, 'body.at: It lies more than a day before the stream began.'],
    [{ at: '1970-01-01T00:00:00Z' }, 400, 'body.at'],
    [{ at: '2126-01-01T00:00:00Z' }, 400, 'body.at: It lies more than a day ahead'],
    [{ attributes: { lower: 'x' } }, 400, 'body.attributes.lower: Expected A-Z, 0-9 and "-".'],
    [{ attributes: { X: 'a"b' } }, 400, 'body.attributes'],
    [{ class: 'a"b' }, 400, 'body.class'],
    [{ endsOnNext: true }, 400, 'class'],
    [{ at: 'yesterday' }, 400, 'body.at'],
    [{ unknown: 1 }, 400, 'unknown'],
  ])('%j is refused and changes nothing', async (body, status, text) => {
    const answer = await call('POST', `/api/v1/stream/${id}/marker`, body);
    expect([answer.status, answer.json.detail]).toEqual([status, expect.stringContaining(text)]);
  });
});

describe('clips', () => {
  const piece = { name: 'The goal', from: iso(1000), until: iso(3000) };

  test('are asked for once under one key, and listed', async () => {
    const again = (body: object = piece) => call('POST', `/api/v1/stream/${id}/clip`, body, { 'idempotency-key': 'goal' });
    const [one, other] = [await again(), await again()];
    expect([one.status, other.status, other.json.id]).toEqual([202, 202, one.json.id]);
    expect((await again({ ...piece, name: 'Another' })).status).toBe(409);
    await world.settle();
    expect((await call('GET', `/api/v1/streams/${id}/clips`)).json.items).toEqual([
      expect.objectContaining({ id: one.json.id, name: 'The goal', status: 'requested', asked: { from: piece.from, until: piece.until }, mp4Url: null }),
    ]);
  });

  test.each([
    [{ ...piece, until: iso(1000) }, 400],
    [{ ...piece, until: iso(1000 + 3_600_001) }, 400],
    [{ ...piece, from: new Date(Date.now()).toISOString(), until: new Date(Date.now() + 3_000_000).toISOString() }, 400],
    [{ ...piece, name: ' ' }, 400],
    [{ ...piece, from: iso(900_000), until: iso(901_000) }, 409],
    [{ name: 'x' }, 400],
  ])('%j is refused', async (body, status) => expect((await call('POST', `/api/v1/stream/${id}/clip`, body)).status).toBe(status));

  test('of a stream that is not there there is none', async () => {
    expect((await call('POST', '/api/v1/stream/st-aaaaaaaaaaaaaaaa/clip', piece)).status).toBe(404);
    expect((await call('GET', `/api/v1/streams/${id}/clips/cl-aaaaaaaa`)).status).toBe(404);
  });

  test.each(['9-3', 'x', '1-', '-1-2'])('a playlist of the segments %s is refused', async (segments) =>
    expect((await ask(gateway.url, `/live/${id}/720p.m3u8?segments=${segments}`)).status).toBe(400),
  );
});

describe('captions', () => {
  const written = (n: number): string =>
    `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${n * 180_000},LOCAL:00:00:0${n * 2}.000\n\n00:00:0${n * 2}.500 --> 00:00:0${n * 2 + 1}.500\nSentence ${n}\n`;
  let spoken: string;
  const get = async (path: string): Promise<Answer> => ask(gateway.url, `/live/${spoken}/${path}`);
  const tracks = (text: string): string[] => text.split('\n').filter((line) => line.includes('TYPE=SUBTITLES'));
  const uris = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  beforeAll(async () => {
    spoken = (await call('POST', '/api/v1/stream/start', { name: 'spoken' })).json.id as string;
    await announceEncoding(world, spoken);
    for (let at = 0; at < 4; at++) await announceSegment(world, spoken, at, at === 0 ? {} : { captions: written(at) });
    await world.settle();
  });

  test('are named by the multivariant playlist; players that read them out of the picture are told not to', async () => {
    const master = (await get('master.m3u8')).text;
    expect(tracks(master)).toEqual([expect.stringMatching(/GROUP-ID="captions",NAME="CC1",DEFAULT=NO,.*,URI="cc1\.captions\.m3u8"$/)]);
    expect(master).toMatch(/#EXT-X-STREAM-INF:.*SUBTITLES="captions",CLOSED-CAPTIONS=NONE/);
    expect(tracks(await playlist('master.m3u8'))).toEqual([]);
  });

  test('have a playlist with the numbers and times of the media, and a segment where nobody spoke', async () => {
    const [captions, media] = [(await get('cc1.captions.m3u8')).text, (await get('720p.m3u8')).text];
    const times = (text: string): string[] => text.split('\n').filter((line) => /^#EXT(INF|-X-MEDIA-SEQUENCE|-X-PROGRAM|-X-TARGET)/.test(line));
    expect(times(captions)).toEqual(times(media));
    expect(captions).not.toContain('EXT-X-MAP');
    expect(uris(captions)[0]).toBe('../../media/empty.vtt');
    const bodies = await Promise.all(uris(captions).map((uri) => ask(gateway.url, uri.slice('../..'.length))));
    expect(bodies.map(({ text }) => text)).toEqual([expect.stringMatching(/^WEBVTT\n.*\n$/), written(1), written(2), written(3)]);
    expect(bodies.map(({ headers: { 'content-type': type } }) => type)).toEqual(bodies.map(() => 'text/vtt; charset=utf-8'));
    expect((await get('cc2.captions.m3u8')).status).toBe(404);
  });

  test('are served by number, as DASH asks for them', async () => {
    const answers = await Promise.all(['0', '1', '9'].map((n) => get(`cc1.captions/${n}.vtt`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
    expect(answers[1]?.text).toBe(written(1));
    expect((await get('720p/1.vtt')).status).toBe(404);
  });

  test('stand beside transport streams, whose clock runs ahead, and are part of a clip', async () => {
    const master = (await get('ts/master.m3u8')).text;
    expect(tracks(master)).toHaveLength(1);
    const [, uri = ''] = uris((await get('ts/cc1.captions.m3u8')).text);
    const { text, status } = await ask(gateway.url, uri.slice('../../..'.length));
    expect([status, text]).toEqual([200, written(1).replace('MPEGTS:180000', `MPEGTS:${180_000 + 900_000}`)]);
    expect((await ask(gateway.url, '/media/ts/xyz.vtt')).status).toBe(404);
    const clip = (await get('master.m3u8?segments=1-2')).text;
    expect(tracks(clip)[0]).toContain('URI="cc1.captions.m3u8?segments=1-2"');
    const part = (await get('cc1.captions.m3u8?segments=1-2')).text;
    expect([uris(part).length, part.includes('#EXT-X-ENDLIST')]).toEqual([2, true]);
  });
});

describe('a stream at a glance', () => {
  const observed = (): { streamId: string; sessionId: string; epoch: number } => ({ streamId: id, sessionId: 's-1', epoch: 1 });
  const fact = (draft: DraftOf<typeof streamMeasured | typeof thumbnailsProduced | typeof streamAlertRaised>): Promise<unknown> =>
    world.facts.publish('stream', [draft], { producer: { id: `sampler:${id}`, epoch: 1n } });

  test('before anything was measured there is nothing wrong', async () => {
    const { status, json } = await call('GET', `/api/v1/streams/${id}/health`);
    expect([status, json]).toEqual([200, expect.objectContaining({ measured: null, alerts: [], viewers: 0, thumbnailUrl: null })]);
    expect((await ask(gateway.url, `/live/${id}/thumbnails.m3u8`)).status).toBe(404);
  });

  test('figures, pictures and viewers; an alert is open only while its session is live', async () => {
    const sample = streamMeasured.samples.at(-1) as DraftOf<typeof streamMeasured>['data'];
    await fact(streamMeasured.draft({ ...sample, ...observed(), behindMs: 1234 }));
    await fact(streamAlertRaised.draft({ ...observed(), alert: 'silence', sinceMs: startMs, detail: 'There has been no sound for 10 s.' }));
    const { cid, sizeBytes } = await world.engines.blobs.put(Buffer.from('JPEG'));
    const place = { mediaSequence: 0, startUs: 0, durationUs: 8_000_000, programDateTimeMs: startMs };
    await fact(thumbnailsProduced.draft({ ...observed(), ...place, cid, sizeBytes, columns: 4, rows: 1, width: 256, height: 144 }));
    const streams = [{ streamId: id, joined: 9, left: 2 }];
    await world.facts.publish('edge', [edgeAudienceReported.draft({ edgeId: 'edge-7', incarnation: 1, streams })], {
      producer: { id: 'edge:edge-7', epoch: 1n },
    });
    await world.settle();
    const { json } = await call('GET', `/api/v1/streams/${id}/health`);
    expect(json).toMatchObject({
      measured: { behindMs: 1234, isNow: false, input: sample.input },
      viewers: 7,
      viewersByEdge: { 'edge-7': 7 },
      thumbnail: { columns: 4 },
    });
    expect(json.thumbnailUrl).toMatch(new RegExp(`/media/${cid}\\.jpg$`));
    expect(json.alerts).toEqual([expect.objectContaining({ alert: 'silence', state: 'over' })]);
    expect((await call('GET', '/api/v1/streams')).json.items).toContainEqual(expect.objectContaining({ id, viewers: 7 }));
  });

  test('pictures are told in the multivariant playlist, as a playlist, as a track and for DASH', async () => {
    expect(await playlist('master.m3u8')).toContain('#EXT-X-IMAGE-STREAM-INF:');
    expect(await playlist('thumbnails.m3u8')).toContain('#EXT-X-TILES:RESOLUTION=256x144,LAYOUT=4x1,DURATION=2.000');
    const track = await ask(gateway.url, `/live/${id}/thumbnails.vtt`);
    expect([track.headers['content-type'], track.text.match(/-->/g)?.length]).toEqual(['text/vtt; charset=utf-8', 4]);
    expect((await ask(gateway.url, `/live/${id}/720p.vtt`)).status).toBe(404);
    expect(await playlist('manifest.mpd')).toContain('value="4x1"');
    const pictures = await ask(gateway.url, `/live/${id}/thumbnails/0.jpg`);
    expect([pictures.text, pictures.headers['content-type']]).toEqual(['JPEG', 'image/jpeg']);
    for (const file of ['1.jpg', '00.jpg', '0.png']) expect([file, (await ask(gateway.url, `/live/${id}/thumbnails/${file}`)).status]).toEqual([file, 404]);
  });
});

test('the player has a page of its own for every stream, and every site may frame it', async () => {
  const page = await ask(gateway.url, `/embed/${id}`);
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toContain('frame-ancestors *');
  expect((await ask(gateway.url, '/')).headers['content-security-policy']).toContain("frame-ancestors 'self'");
  for (const path of ['/embed', '/embed/', `/embed/${id}/more`]) expect((await ask(gateway.url, path)).status).toBe(404);
});

describe('transport streams', () => {
  const run = promisify(execFile);
  let real: string;

  /** Two seconds each of what ffmpeg makes, as a packager stores and announces it. */
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'streams-ts-'));
    const output = (name: string): string[] => [
      ...['-f', 'hls', '-hls_time', '2', '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `${name}-init.mp4`],
      ...['-hls_segment_filename', join(folder, `${name}-%d.m4s`), join(folder, `${name}.m3u8`)],
    ];
    const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
    const video = ['-map', '0:v', '-t', '4', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', ...output('720p')];
    await run('ffmpeg', ['-v', 'error', ...inputs, ...video, '-map', '1:a', '-t', '4', '-c:a', 'aac', ...output('audio')]);
    real = (await call('POST', '/api/v1/stream/start', { name: 'real' })).json.id as string;
    await announceEncoding(world, real);
    const put = async (file: string): ReturnType<typeof world.engines.blobs.put> => world.engines.blobs.put(await readFile(join(folder, file)));
    const media = async (rendition: string, mediaSequence: number): Promise<{ rendition: string; init: BlobInfo; stored: BlobInfo }> => ({
      rendition,
      init: await put(`${rendition}-init.mp4`),
      stored: await put(`${rendition}-${mediaSequence}.m4s`),
    });
    for (const mediaSequence of [0, 1])
      await announceMedia(world, real, mediaSequence, [await media('720p', mediaSequence), await media('audio', mediaSequence)]);
    await rm(folder, { recursive: true });
    await call('POST', '/api/v1/stream/stop', { id: real });
    await world.settle();
  });

  const names = async (): Promise<string[]> => (await ask(gateway.url, `/live/${real}/ts/720p.m3u8`)).text.match(/\S+\.ts$/gm) ?? [];

  test('play as what was stored, picture and sound in one', async () => {
    const argv = ['-v', 'warning', '-count_packets', '-show_entries', 'stream=codec_name,nb_read_packets', '-of', 'csv=p=0'];
    const { stdout, stderr } = await run('ffprobe', [...argv, `${gateway.url}/live/${real}/ts/master.m3u8`]);
    expect(stderr).toBe('');
    expect([...new Set(stdout.split('\n').filter((line) => line !== ''))]).toEqual(['h264,120', expect.stringMatching(/^aac,18\d$/)]);
  });

  test('have names that say what they are made of, so that they are kept for ever', async () => {
    const [first = ''] = await names();
    const path = `/media/ts/${first.split('/').at(-1)}`;
    const { status, headers: told } = await ask(gateway.url, path);
    expect([status, told['content-type'], told['cache-control']]).toEqual([200, 'video/mp2t', expect.stringContaining('immutable')]);
    expect((await ask(gateway.url, path, { headers: { 'if-none-match': told.etag as string } })).status).toBe(304);
    expect((await ask(gateway.url, path, { method: 'OPTIONS' })).status).toBe(204);
  });

  test.each([
    ['a playlist that is none', '/live/ID/ts/master.txt', 404, 'no-route'],
    ['a stream that is not there', '/live/st-aaaaaaaaaaaaaaaa/ts/master.m3u8', 404, 'unknown-stream'],
    ['a stream that cannot be', '/live/-/ts/master.m3u8', 404, 'unknown-stream'],
    ['a rendition that is not there', '/live/ID/ts/90p.m3u8', 404, 'unknown-rendition'],
    ['the sound alone', '/live/ID/ts/audio.m3u8', 404, 'unknown-rendition'],
    ['the past', '/live/ID/ts/master.m3u8?asOf=2026-01-01T00:00:00Z', 400, 'invalid-request'],
    ['a gap', '/live/ID/ts/gap.m4s', 404, 'unknown-media'],
    ['a gap of fragmented MP4', '/live/ID/gap.m4s', 404, 'unknown-media'],
    ['a name that says nothing', '/media/ts/0.ts', 404, 'unknown-media'],
    ['media that is not there', `/media/ts/0-b${'a'.repeat(58)}-b${'a'.repeat(58)}.ts`, 404, 'unknown-media'],
    ['captions that are not there', `/media/ts/b${'a'.repeat(58)}.vtt`, 404, 'unknown-media'],
    ['captions without a name', '/media/ts/none.vtt', 404, 'unknown-media'],
  ])('answer %s', async (_what, path, status, code) => {
    const answer = await ask(gateway.url, path.replace('ID', real));
    expect([answer.status, answer.json['type']]).toEqual([status, expect.stringMatching(`${code}$`)]);
  });

  test('are not made of blobs that are no segments', async () => {
    const { cid } = await world.engines.blobs.put(Buffer.from('nothing that plays'));
    const { status, json } = await ask(gateway.url, `/media/ts/0-${cid}-${cid}.ts`);
    expect([status, json['type']]).toEqual([404, expect.stringMatching('unknown-media$')]);
  });
});
