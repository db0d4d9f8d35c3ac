import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StoredRecord, edgeReported, noLoad, purgeApplied, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import { hashOf } from './access/secrets.ts';
import { operations } from './openapi/operations.ts';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer, type Ask } from './testing/http-client.ts';
import { announceEncoding, announceEncodingEnd, announceSegment } from './testing/stream-facts.ts';

let world: World;
let gateway: RunningGateway;
let headers: { authorization: string };

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

/** Asks, and holds a successful answer to what the operation's contract says about it. */
async function call(method: string, path: string, request: Ask): Promise<Answer> {
  const answer = await ask(gateway.url, path, { method, ...request });
  const bare = path.split('?')[0] as string;
  const op = operations.find((each) => each.method === method && new RegExp(`^${each.path.replace(':id', '[^/]+')}$`).test(bare));
  if (op?.answer !== undefined && answer.status < 300) {
    expect(answer.status).toBe(op.status);
    expect(op.answer.safeParse(answer.json).error?.issues).toBeUndefined();
  }
  return answer;
}

const get = (path: string, more: Record<string, string> = {}): Promise<Answer> => call('GET', path, { headers: { ...headers, ...more } });
const post = (path: string, body: unknown, more: Record<string, string> = {}): Promise<Answer> =>
  call('POST', path, { body, headers: { ...headers, ...more } });

async function createStream(name = 'Evening news'): Promise<{ id: string; streamKey: string }> {
  return (await post('/api/v1/stream/start', { name })).json;
}

describe('streams', () => {
  test('a stream is created with its key shown once and kept as a hash', async () => {
    const answer = await post('/api/v1/stream/start', { name: 'Evening news', graceSeconds: 5 });
    expect(answer.status).toBe(201);
    const { id, streamKey } = answer.json;
    expect(answer.json).toEqual({
      id: expect.stringMatching(/^st-[a-z2-7]{16}$/),
      name: 'Evening news',
      status: 'created',
      statusReason: null,
      createdAt: expect.stringMatching(/Z$/),
      startedAt: null,
      stoppedAt: null,
      durationMs: null,
      viewers: 0,
      playback: { hls: `http://media.example:8081/live/${id}/master.m3u8`, dash: `http://media.example:8081/live/${id}/manifest.mpd` },
      streamKey: expect.stringMatching(/^st-[a-z2-7]{16}-[a-z2-7]{52}$/),
      ingest: {
        primary: 'rtmp://media.example:1935/live',
        backup: 'rtmp://media.example:1936/live',
        securePrimary: null,
        secureBackup: null,
      },
    });
    const head = (await world.engines.aggregates.load('stream', id))?.state as { keyHash: string; graceMs: number };
    expect(head).toEqual(expect.objectContaining({ keyHash: hashOf(streamKey.slice(id.length + 1)), graceMs: 5000 }));
    await world.settle();
    expect((await get('/api/v1/events?key=' + id)).text).not.toContain(streamKey.slice(-20));
  });

  test('it is there to be shown at once, whatever the projection does', async () => {
    const { id } = await createStream();
    const answer = await get(`/api/v1/streams/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(expect.objectContaining({ id, status: 'created', encoding: null, renditions: [], latency: null }));
    expect(answer.json.settings.ladder.map((rung: { name: string }) => rung.name)).toEqual(['720p', '480p', '240p']);
  });

  test('the same Idempotency-Key gives the same stream and the same key, and refuses another request', async () => {
    const key = { 'idempotency-key': 'evening-2026-09-21' };
    const [first, second] = await Promise.all([post('/api/v1/stream/start', { name: 'Once' }, key), post('/api/v1/stream/start', { name: 'Once' }, key)]);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.json.id).toBe(first.json.id);
    expect(second.json.streamKey).toBe(first.json.streamKey);
    const other = await post('/api/v1/stream/start', { name: 'Twice' }, key);
    expect([other.status, other.json.type]).toEqual([422, 'urn:streams:problem:idempotency-key-reused']);
    const otherCaller = await world.key(['publish']);
    const theirs = await post('/api/v1/stream/start', { name: 'Once' }, { ...key, authorization: otherCaller.authorization });
    expect(theirs.json.id).not.toBe(first.json.id);
  });

  test('gets another key that expires, while the one before ends after an overlap; repeated it is the same', async () => {
    const { id, streamKey } = await createStream();
    const once = { 'idempotency-key': `guest-${id}` };
    const body = { id, expiresInSeconds: 3600, singleUse: true, previousForSeconds: 60 };
    const answer = await post('/api/v1/stream/key', body, once);
    expect([answer.status, answer.json]).toEqual([
      201,
      { id, streamKey: expect.stringMatching(`^${id}-[a-z2-7]{52}$`), expiresAt: expect.stringMatching(/Z$/), singleUse: true },
    ]);
    expect((await post('/api/v1/stream/key', body, once)).json).toEqual(answer.json);
    const forever = await post('/api/v1/stream/key', { id });
    expect(forever.json).toMatchObject({ expiresAt: null, singleUse: false });
    const head = await world.engines.aggregates.load('stream', id);
    const keys = (head?.state as { keys: Array<{ hash: string; untilMs: number }> } | undefined)?.keys ?? [];
    expect(keys.map(({ hash }) => hash)).toEqual(
      [streamKey, answer.json.streamKey, forever.json.streamKey].map((key: string) => hashOf(key.slice(id.length + 1))),
    );
    expect(keys.map(({ untilMs }) => untilMs > 0)).toEqual([true, true, false]);
    expect((await post('/api/v1/stream/key', { id: 'st-aaaaaaaaaaaaaaaa' })).status).toBe(404);
    expect((await post('/api/v1/stream/key', { id, expiresInSeconds: 0 })).status).toBe(400);
    await post('/api/v1/stream/stop', { id });
    expect((await post('/api/v1/stream/key', { id })).status).toBe(409);
  });

  test('stopping is final, and may be repeated', async () => {
    const { id } = await createStream();
    expect((await post('/api/v1/stream/stop', { id })).json).toEqual({ id, status: 'stopped' });
    expect((await post('/api/v1/stream/stop', { id })).status).toBe(200);
    expect((await get(`/api/v1/streams/${id}`)).json.status).toBe('stopped');
    await world.settle();
    const events = (await get(`/api/v1/events?key=${id}&order=oldest`)).json.items;
    expect(events.map((event: { type: string; streamversion: string }) => [event.type, event.streamversion])).toEqual([
      ['stream.created', '1'],
      ['stream.stopped', '2'],
    ]);
  });

  test('the list pages newest first without loss, by status too', async () => {
    const made: string[] = [];
    for (let at = 0; at < 7; at++) made.push((await createStream(`List ${at}`)).id);
    await post('/api/v1/stream/stop', { id: made[3] });
    await world.settle();
    const seen: string[] = [];
    for (let path = '/api/v1/streams?limit=2&status=created'; ;) {
      const { items, nextCursor } = (await get(path)).json;
      seen.push(...items.map((item: { id: string }) => item.id));
      if (nextCursor === null) break;
      path = `/api/v1/streams?limit=2&status=created&cursor=${nextCursor}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => made.includes(id))).toEqual(made.toReversed().filter((id) => id !== made[3]));
  });
});

describe('streams out of lists, and without low latency', () => {
  test('are there for those who know them, and say so', async () => {
    const { id } = (await post('/api/v1/stream/start', { name: 'Hidden', unlisted: true, lowLatency: false })).json;
    await world.settle();
    expect((await get('/api/v1/streams')).json.items.map((one: { id: string }) => one.id)).not.toContain(id);
    expect((await get(`/api/v1/streams/${id}`)).json).toMatchObject({ name: 'Hidden', settings: { unlisted: true, lowLatency: false } });
    const { id: other } = (await post('/api/v1/stream/start', { name: 'Shown' })).json;
    await world.settle();
    expect((await get('/api/v1/streams')).json.items.map((one: { id: string }) => one.id)).toContain(other);
    expect((await get(`/api/v1/streams/${other}`)).json.settings).toMatchObject({ unlisted: false, lowLatency: true });
  });
});

describe('playlists and media', () => {
  let id: string;
  const cids: string[] = [];

  beforeAll(async () => {
    ({ id } = (await post('/api/v1/stream/start', { name: 'Playable', dvrWindowSeconds: 60 })).json);
  });

  test('before anything is produced: 404 that an edge must not keep', async () => {
    for (const file of ['master', '720p']) {
      const answer = await ask(gateway.url, `/live/${id}/${file}.m3u8`);
      expect([answer.status, answer.headers['cache-control'], answer.json.type]).toEqual([404, 'public, max-age=1', 'urn:streams:problem:nothing-yet']);
    }
  });

  test('what is unknown says nothing about caching, so that an edge keeps it by its own policy; the API is never kept', async () => {
    for (const path of ['/live/st-aaaaaaaaaaaaaaaa/master.m3u8', `/media/b${'a'.repeat(58)}.m4s`]) {
      const answer = await ask(gateway.url, path);
      expect([answer.status, answer.headers['cache-control']]).toEqual([404, undefined]);
    }
    expect((await get('/api/v1/streams/st-aaaaaaaaaaaaaaaa')).headers['cache-control']).toBe('no-store');
    expect((await get('/api/v1/streams')).headers['cache-control']).toBe('no-store');
  });

  test('the multivariant playlist lists what the encoder makes', async () => {
    await announceEncoding(world, id);
    for (let sequence = 0; sequence < 32; sequence++) cids.push(await announceSegment(world, id, sequence, { discontinuity: sequence === 1 }));
    await world.settle();
    const answer = await ask(gateway.url, `/live/${id}/master.m3u8`);
    expect(answer.headers).toEqual(
      expect.objectContaining({
        'content-type': 'application/vnd.apple.mpegurl',
        'cache-control': 'public, max-age=1, stale-if-error=30',
        'access-control-allow-origin': '*',
      }),
    );
    expect(answer.text).toContain('RESOLUTION=1280x720');
    expect(answer.text).toContain('URI="audio.m3u8"');
  });

  test('a live playlist goes back by the DVR window, the same in all renditions, and counts the discontinuities before it', async () => {
    const { text } = await ask(gateway.url, `/live/${id}/720p.m3u8`);
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:2\n');
    expect(text).toContain('#EXT-X-DISCONTINUITY-SEQUENCE:1\n');
    expect(text.match(/media\/\w+\.m4s/g)).toEqual(cids.slice(2).map((cid) => `media/${cid}.m4s`));
    expect(text).not.toContain('#EXT-X-ENDLIST');
    const audio = (await ask(gateway.url, `/live/${id}/audio.m3u8`)).text;
    const frame = (playlist: string): string => playlist.replaceAll(/media\/\w+\./g, 'media/x.');
    expect(frame(audio)).toBe(frame(text));
  });

  test('a client that has a playlist gets what is new, and one that asks for a place to begin is told it', async () => {
    const delta = await ask(gateway.url, `/live/${id}/720p.m3u8?_HLS_skip=YES`);
    expect(delta.text).toContain('#EXT-X-MEDIA-SEQUENCE:2\n');
    expect(delta.text).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=24\n');
    expect(delta.text.match(/media\/\w+\.m4s/g)).toEqual(cids.slice(26).map((cid) => `media/${cid}.m4s`));
    expect((await ask(gateway.url, `/live/${id}/720p.m3u8?_HLS_skip=v2`)).text).toBe(delta.text);
    expect((await ask(gateway.url, `/live/${id}/720p.m3u8?_HLS_skip=perhaps`)).text).not.toContain('EXT-X-SKIP');
    const master = (await ask(gateway.url, `/live/${id}/master.m3u8?start=-30`)).text;
    expect(master).toContain('#EXT-X-START:TIME-OFFSET=-30\n');
    expect(master).toContain('\n720p.m3u8?start=-30\n');
    expect((await ask(gateway.url, `/live/${id}/720p.m3u8?start=0`)).text).toContain('#EXT-X-START:TIME-OFFSET=0\n');
    for (const start of ['', 'now', '1.5', '14401', '-14401']) {
      const refused = await ask(gateway.url, `/live/${id}/master.m3u8?start=${start}`);
      expect([refused.status, refused.json.errors[0]?.field]).toEqual([400, 'query.start']);
    }
  });

  test('key frames are listed for scrubbing, by the bytes of the segments', async () => {
    const master = (await ask(gateway.url, `/live/${id}/master.m3u8`)).text;
    expect(master).toContain('#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=32,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="720p.iframes.m3u8"\n');
    const { text } = await ask(gateway.url, `/live/${id}/720p.iframes.m3u8`);
    expect(text).toContain('#EXT-X-I-FRAMES-ONLY\n');
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:2\n');
    expect(text).toContain(`#EXT-X-BYTERANGE:8@0\n../../media/${cids[31]}.m4s\n`);
    const delta = await ask(gateway.url, `/live/${id}/720p.iframes.m3u8?_HLS_skip=YES`);
    expect(delta.text).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=24\n');
    expect((await ask(gateway.url, `/live/${id}/1080p.iframes.m3u8`)).json.type).toBe('urn:streams:problem:unknown-rendition');
  });

  test('the DASH manifest shows the same window, and names segments by their numbers', async () => {
    const answer = await ask(gateway.url, `/live/${id}/manifest.mpd`);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/dash+xml',
      'cache-control': 'public, max-age=1, stale-if-error=30',
      'access-control-allow-origin': '*',
    });
    // The break before the second segment began a period, of which the window has left the beginning.
    expect(answer.text.match(/<Period [^>]*>/g)).toEqual(['<Period id="p1" start="PT2S">']);
    expect(answer.text).toContain('type="dynamic"');
    expect(answer.text).toContain('timeShiftBufferDepth="PT60S"');
    expect(answer.text).toContain('timescale="90000" presentationTimeOffset="180000" startNumber="2"');
    expect(answer.text).toContain('<S t="360000" d="180000" r="29"/>');
    expect(answer.text).toMatch(/<Representation id="720p" codecs="avc1.64001f" bandwidth="2750000" width="1280" height="720" frameRate="30">/);
    const named = await ask(gateway.url, `/live/${id}/720p/31.m4s`);
    expect([named.status, named.text, named.headers['content-type'], named.headers['cache-control']]).toEqual([
      ...[200, `${id} 720p 31 1`, 'video/iso.segment', 'public, max-age=31536000, immutable'],
    ]);
    expect(named.headers.etag).toBe(`"${cids[31]}"`);
    const part = await ask(gateway.url, `/live/${id}/720p/31.m4s`, { headers: { range: 'bytes=0-3' } });
    expect([part.status, part.text]).toEqual([206, id.slice(0, 4)]);
    for (const path of ['720p/999.m4s', '1080p/3.m4s']) {
      const early = await ask(gateway.url, `/live/${id}/${path}`);
      expect([early.status, early.headers['cache-control'], early.json.type]).toEqual([404, 'public, max-age=1', 'urn:streams:problem:unknown-media']);
    }
    for (const path of [`${id}/720p/031.m4s`, `${id}/720p/x.m4s`, `${id}/720p/1.mp4`, `${id}/720p.mpd`, 'st-x/720p/1.m4s'])
      expect((await ask(gateway.url, `/live/${path}`)).status).toBe(404);
  });

  test('players learn what time it is here', async () => {
    const [before, { text, headers: received }, after] = [Date.now(), await ask(gateway.url, '/live/time'), Date.now()];
    expect([received['cache-control'], received['access-control-allow-origin']]).toEqual(['no-store', '*']);
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(text)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(text)).toBeLessThanOrEqual(after + 1000);
  });

  test('a playlist that has not changed is not sent again', async () => {
    const first = await ask(gateway.url, `/live/${id}/720p.m3u8`);
    const again = await ask(gateway.url, `/live/${id}/720p.m3u8`, { headers: { 'if-none-match': first.headers.etag as string } });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('the renditions and the last segments are in the details', async () => {
    const { renditions, latency } = (await get(`/api/v1/streams/${id}`)).json;
    expect(renditions.map((each) => [each.name, each.segments.length])).toEqual([
      ['720p', 10],
      ['audio', 10],
    ]);
    expect(renditions[0]?.segments.at(-1)).toEqual(expect.objectContaining({ mediaSequence: 31, cid: cids[31], durationMs: 2000 }));
    expect(latency.segments).toBe(10);
  });

  test('media by its content identifier: whole, in parts, not again, not at all', async () => {
    const path = `/media/${cids[0]}.m4s`;
    const whole = await ask(gateway.url, path);
    expect([whole.status, whole.text]).toEqual([200, `${id} 720p 0 1`]);
    expect(whole.headers).toEqual(
      expect.objectContaining({
        'content-type': 'video/iso.segment',
        etag: `"${cids[0]}"`,
        'cache-control': 'public, max-age=31536000, immutable',
        'accept-ranges': 'bytes',
      }),
    );
    const part = await ask(gateway.url, path, { headers: { range: 'bytes=0-3' } });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, id.slice(0, 4), `bytes 0-3/${whole.text.length}`]);
    expect((await ask(gateway.url, path, { headers: { range: 'bytes=0-3', 'if-range': '"other"' } })).status).toBe(200);
    expect((await ask(gateway.url, path, { headers: { 'if-none-match': `W/"${cids[0]}"` } })).status).toBe(304);
    const beyond = await ask(gateway.url, path, { headers: { range: 'bytes=999-' } });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${whole.text.length}`]);
    const head = await ask(gateway.url, path, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(whole.text.length), '']);
    const init = /media\/(\w+)\.mp4/.exec((await ask(gateway.url, `/live/${id}/720p.m3u8`)).text)?.[1];
    expect((await ask(gateway.url, `/media/${init}.mp4`)).headers['content-type']).toBe('video/mp4');
  });

  test('players of other sites may ask', async () => {
    const answer = await ask(gateway.url, `/live/${id}/master.m3u8`, {
      method: 'OPTIONS',
      headers: { origin: 'https://player.example', 'access-control-request-method': 'GET' },
    });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([204, '*']);
  });

  test('a packager that was shut out cannot change a segment of its successor', async () => {
    const cid = await announceSegment(world, id, 32, { epoch: 2n });
    await expect(announceSegment(world, id, 32, { epoch: 1n })).rejects.toThrow();
    await world.settle();
    expect((await ask(gateway.url, `/live/${id}/720p.m3u8`)).text).toContain(cid);
  });

  test('after the stop it stays open until the encoder has said its last, then it is a recording of everything', async () => {
    await post('/api/v1/stream/stop', { id });
    await world.settle();
    expect((await get(`/api/v1/streams/${id}`)).json.status).toBe('stopped');
    const open = await ask(gateway.url, `/live/${id}/720p.m3u8`);
    expect(open.text).not.toContain('#EXT-X-ENDLIST');
    expect(open.headers['cache-control']).toBe('public, max-age=1, stale-if-error=30');
    const last = await announceSegment(world, id, 33, { epoch: 2n });
    await announceEncodingEnd(world, id, 2n);
    await world.settle();
    const { text, headers: received } = await ask(gateway.url, `/live/${id}/720p.m3u8`);
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:0\n');
    expect(text).toContain('#EXT-X-ENDLIST');
    expect(text.match(/#EXTINF/g)).toHaveLength(34);
    expect(text).toContain(last);
    expect(received['cache-control']).toBe('public, max-age=10, stale-if-error=30');
    expect((await ask(gateway.url, `/live/${id}/1080p.m3u8`)).json.type).toBe('urn:streams:problem:unknown-rendition');
    const mpd = await ask(gateway.url, `/live/${id}/manifest.mpd`);
    expect(mpd.text).toContain('type="static" mediaPresentationDuration="PT68S"');
    expect(mpd.text.match(/<Period [^>]*>/g)).toEqual(['<Period id="p0" start="PT0S">', '<Period id="p1" start="PT2S">']);
    expect(mpd.headers['cache-control']).toBe('public, max-age=10, stale-if-error=30');
  });
});

describe('the CDN', () => {
  test('a purge is shown at once, and then edge by edge', async () => {
    const asked = await post('/api/v1/cdn/cache/purge', { urls: ['/live/x/master.m3u8', 'http://a.example/b?c=d'], reason: 'wrong logo' });
    expect(asked.status).toBe(202);
    const { purgeId } = asked.json;
    expect((await get(`/api/v1/cdn/purges/${purgeId}`)).json).toEqual(expect.objectContaining({ id: purgeId, reason: 'wrong logo', applied: [] }));
    await world.settle();
    const requestedAtMs = Date.parse((await get(`/api/v1/cdn/purges/${purgeId}`)).json.requestedAt);
    const applied = purgeApplied.draft({ purgeId, edgeId: 'edge-1', objects: 3, appliedAtMs: requestedAtMs + 70 });
    await world.facts.publish('cache', [applied], { producer: { id: 'edge:edge-1', epoch: 1n } });
    await copyLast('cache', purgeId, purgeId);
    await world.settle();
    const told = { edgeId: 'edge-1', objects: 3, appliedAt: new Date(requestedAtMs + 70).toISOString(), delayMs: 70 };
    expect((await get(`/api/v1/cdn/purges/${purgeId}`)).json.applied).toEqual([
      { ...told, mirroredFrom: null },
      { ...told, mirroredFrom: 'south' },
    ]);
  });

  test('the same Idempotency-Key is the same purge', async () => {
    const key = { 'idempotency-key': 'p1' };
    const first = await post('/api/v1/cdn/cache/purge', { urls: ['/a'] }, key);
    expect((await post('/api/v1/cdn/cache/purge', { urls: ['/a'] }, key)).json).toEqual(first.json);
    expect((await post('/api/v1/cdn/cache/purge', { urls: ['/b'] }, key)).status).toBe(422);
  });

  test('edges with their hit ratio over all their processes', async () => {
    expect((await get('/api/v1/cdn/health')).json).toEqual({ status: 'empty', hitRatio: null, originOffload: null, edges: [] });
    await post('/api/v1/cdn/edge/register', { id: 'edge-2', url: 'http://edge-2.example:8081', region: 'eu' });
    const report = (incarnation: number, requests: number, hits: number): Promise<unknown> => {
      const counters = {
        misses: requests - hits,
        collapsed: 0,
        originFetches: requests - hits,
        originErrors: 0,
        bytesServed: requests * 10,
        bytesFromOrigin: 0,
        ...{ ...noLoad, objects: 2, memoryBytes: 99 },
      };
      return world.facts.publish('edge', [edgeReported.draft({ edgeId: 'edge-1', incarnation, requests, hits, ...counters })], {
        producer: { id: 'edge:edge-1', epoch: BigInt(incarnation) },
      });
    };
    await report(1_790_000_000_000, 60, 50);
    await report(1_790_000_000_000, 100, 90);
    await report(1_790_000_009_000, 100, 100);
    await world.settle();
    const health = (await get('/api/v1/cdn/health')).json;
    expect(health).toEqual(expect.objectContaining({ status: 'up', hitRatio: 0.95, originOffload: 0.95 }));
    expect(health.edges).toEqual([
      expect.objectContaining({ id: 'edge-1', status: 'up', requests: 200, hits: 190, bytesServed: 2000, objects: 2, url: null }),
      expect.objectContaining({ id: 'edge-2', status: 'announced', region: 'eu', hitRatio: null, requests: 0 }),
    ]);
    const origins = (edges: unknown): unknown =>
      (edges as ReadonlyArray<Record<string, unknown>>).map(({ id, status, mirroredFrom }) => [id, status, mirroredFrom]);
    expect(origins(health.edges)).toEqual([
      ['edge-1', 'up', null],
      ['edge-2', 'announced', null],
    ]);
    await report(1_790_000_009_000, 101, 101);
    await copyLast('edge', 'edge-1', 'edge-s');
    await copyLast('edge', 'edge-1', 'edge-1');
    await world.settle();
    expect(origins((await get('/api/v1/cdn/health')).json.edges)).toEqual([
      ['edge-1', 'up', null],
      ['edge-1', 'up', 'south'],
      ['edge-2', 'announced', null],
      ['edge-s', 'up', 'south'],
    ]);
  });
});

/** What the last event of a subject is copied as from another region, where another edge has written it. */
async function copyLast(topic: string, key: string, otherKey: string): Promise<void> {
  const partition = partitionOf(key, topicPartitions);
  const { records } = await world.engines.log.read(topic, partition, 0n, { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 });
  const last = records.findLast((one) => one.key === key) as StoredRecord;
  const headers = Object.fromEntries(Object.entries(last.headers).map(([name, value]) => [name, value.replaceAll(key, otherKey)]));
  const copy = { ...headers, ce_id: `${headers['ce_id']}-copy`, ce_origin: 'south' };
  await world.engines.log.append(topic, [{ key: otherKey, value: last.value.replaceAll(key, otherKey), headers: copy }]);
}

describe('API keys', () => {
  test('issued, listed without their secrets, revoked', async () => {
    const issued = await post('/api/v1/keys', { name: 'CI', scopes: ['view'], ttlSeconds: 60 });
    expect(issued.json).toEqual(
      expect.objectContaining({
        name: 'CI',
        scopes: ['view'],
        key: expect.stringMatching(/^sk_k-[a-z2-7]{16}_[a-z2-7]{52}$/),
        expiresAt: expect.stringMatching(/Z$/),
      }),
    );
    await ask(gateway.url, `/api/v1/keys/${issued.json.id}`, { method: 'DELETE', headers });
    await world.settle();
    const listed = await get('/api/v1/keys');
    expect(listed.json.items[0]).toEqual(expect.objectContaining({ id: issued.json.id, name: 'CI', revokedAt: expect.stringMatching(/Z$/) }));
    expect(listed.text).not.toContain(issued.json.key.slice(-30));
    expect(listed.text).not.toContain(hashOf(issued.json.key.slice(-52)));
  });
});

describe('the console and the documentation', () => {
  test('files by name, the page at its address, 404 for everything else', async () => {
    const asset = await ask(gateway.url, '/assets/index-abc123.js');
    expect([asset.status, asset.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    for (const path of ['/', '/index.html', '/?a=b']) {
      const page = await ask(gateway.url, path);
      expect([page.status, page.headers['cache-control'], page.headers['content-type']]).toEqual([200, 'no-cache', 'text/html; charset=utf-8']);
      expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    }
    for (const path of [
      '/streams/st-x',
      '/favicon',
      '/wp-login.php',
      '/live',
      '/medias',
      '/api',
      '/assets/',
      '/assets/gone-1.js',
      '/..%2f..%2fetc%2fpasswd.txt',
      '/%2e%2e/secret.txt',
    ]) {
      const gone = await ask(gateway.url, path);
      expect([gone.status, gone.json.type]).toEqual([404, 'urn:streams:problem:no-route']);
      // During a deploy an asset may be asked for before it is there: nobody may keep that answer for long.
      expect(gone.headers['cache-control'] ?? '').not.toContain('immutable');
    }
  });

  test('every operation is described and really there', async () => {
    const document = await ask(gateway.url, '/api/v1/openapi.json');
    expect(document.json.openapi).toBe('3.1.0');
    const described = Object.entries<object>(document.json.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(operations.map((op) => `${op.method} ${op.path.replace(/:(\w+)/g, '{$1}')}`).sort());
    for (const op of operations) expect((await ask(gateway.url, op.path.replace(/:\w+/g, 'x'), { method: op.method })).status).toBe(401);
    expect((await ask(gateway.url, '/api/v1/docs')).text).toContain('/api/v1/cdn/cache/purge');
  });
});
