import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventParked, purgeApplied } from '#events';
import { PastKeeper } from '#runtime';
import { pino } from 'pino';
import { lanes } from './events/event-filter.core.ts';
import { ResumeTokens } from './events/resume-token.codec.ts';
import { QueryService } from './grpc/generated/streams/v1/query_service_pb.ts';
import { startGateway, World, type RunningGateway, type RealEngines } from './testing/gateway.fixture.ts';
import { GrpcClient, type Ended } from './testing/grpc-client.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';
import { announceEncoding, announceEncodingEnd, announceSegment } from './testing/stream-facts.ts';
import { projections } from '#read-models';

interface Seen {
  readonly at: string;
  readonly list: unknown;
  readonly detail: unknown;
  readonly master: string;
  readonly media: string;
  readonly mpd: string;
}

/** A playlist as it is, of a problem the kind: it names the path that was asked for. */
const told = (text: string): string => (text.startsWith('{') ? (JSON.parse(text) as { type: string }).type : text);
/** What differs by its nature: where it is played, and who watches now. */
const ofNow = new Set(['playback', 'viewers']);
const withoutUrl = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (name, inner: unknown) => (ofNow.has(name) ? undefined : inner)));

/** Everything that reads answers as of a moment, on engines that `open` gives. */
export function asOfCases(name: string, open: () => Promise<RealEngines>): void {
  let world: World;
  let gateway: RunningGateway;
  let headers: Record<string, string>;
  let grpc: GrpcClient;
  let beforeAllMs: number;

  beforeAll(async () => {
    beforeAllMs = Date.now() - 1000;
    world = await World.open(await open());
    gateway = await startGateway(world.engines, world.consolePath);
    const key = await world.key(['admin']);
    headers = { authorization: key.authorization };
    grpc = new GrpcClient(gateway.grpc, key.authorization);
  });

  afterAll(async () => {
    grpc.close();
    await gateway.stop();
    await world.close();
  });

  const get = (path: string, as = headers): Promise<Answer> => ask(gateway.url, path, { headers: as });
  const post = (path: string, body: unknown): Promise<Answer> => ask(gateway.url, path, { method: 'POST', body, headers });
  const play = (path: string): Promise<Answer> => ask(gateway.url, path);

  /** A moment between two events: whatever was asked before is in the read models, whatever comes later bears a later time. */
  async function moment(): Promise<string> {
    await world.settle();
    const now = Date.now();
    while (Date.now() <= now + 1) await sleep(1);
    return new Date(now).toISOString();
  }

  /** Folds the log into pieces of a few events, so that answers are joined from several levels of them. */
  async function keepPast(): Promise<void> {
    const { log, past, leases, clock } = world.engines;
    const init = { projections, owner: 'test', pieceEvents: 4, fan: 2 };
    await new PastKeeper(init, { log, past, leases, clock, logger: pino({ level: 'silent' }) }).catchUp();
  }

  /** What everybody sees now, and when that is. */
  async function look(id: string): Promise<Seen> {
    const at = await moment();
    const [list, detail, master, media, mpd] = await Promise.all([
      get('/api/v1/streams?limit=200'),
      get(`/api/v1/streams/${id}`),
      play(`/live/${id}/master.m3u8`),
      play(`/live/${id}/720p.m3u8`),
      play(`/live/${id}/manifest.mpd`),
    ]);
    return { at, list: list.json.items, detail: detail.json, master: master.text, media: media.text, mpd: mpd.text };
  }

  let life: { readonly id: string; readonly seen: readonly Seen[] };

  /** A stream's life with a look at every turn: created, encoding, live, with a hole, ended. */
  async function live(): Promise<void> {
    const { id } = (await post('/api/v1/stream/start', { name: 'Evening news' })).json as { id: string };
    const seen = [await look(id)];
    await announceEncoding(world, id);
    await announceSegment(world, id, 0);
    seen.push(await look(id));
    for (let at = 1; at < 14; at++) await announceSegment(world, id, at, { discontinuity: at === 2 });
    seen.push(await look(id));
    await announceSegment(world, id, 17);
    // A later owner of the stream writes a segment that is there already.
    await announceSegment(world, id, 13, { epoch: 2n });
    seen.push(await look(id));
    await post('/api/v1/stream/stop', { id });
    await announceEncodingEnd(world, id, 2n);
    seen.push(await look(id));
    life = { id, seen };
  }

  beforeAll(live, 60_000);

  describe.each([
    [`from the log alone, on ${name}`, async () => undefined],
    [`from pieces, on ${name}`, keepPast],
  ])('as of a moment, %s', (_how, prepare) => {
    beforeAll(prepare, 60_000);

    test('streams are what was shown then', async () => {
      const { id, seen } = life;
      for (const { at, list, detail } of seen) {
        const listed = await get(`/api/v1/streams?limit=200&asOf=${at}`);
        expect(listed.status).toBe(200);
        expect(withoutUrl(listed.json.items)).toEqual(withoutUrl(list));
        const shown = (await get(`/api/v1/streams/${id}?asOf=${at}`)).json;
        expect(withoutUrl(shown)).toEqual(withoutUrl(detail));
        expect(shown.playback['hls']).toBe(`http://media.example:8081/live/${id}/master.m3u8?asOf=${at}`);
      }
      const statuses = await Promise.all(seen.map(async ({ at }) => (await get(`/api/v1/streams?status=stopped&asOf=${at}`)).json.items.length as number));
      expect(statuses).toEqual([0, 0, 0, 0, 1]);
    });

    test('playlists as they stood are equal to what was served, to the byte', async () => {
      const { id, seen } = life;
      for (const { at, media, master, mpd } of seen) {
        const query = `?asOf=${at}&window=live`;
        expect(told((await play(`/live/${id}/720p.m3u8${query}`)).text)).toBe(told(media));
        expect(told((await play(`/live/${id}/master.m3u8${query}`)).text).replaceAll(query, '')).toBe(told(master));
        expect(told((await play(`/live/${id}/manifest.mpd${query}`)).text)).toBe(told(mpd));
      }
    });

    test('playlists up to a moment are closed and whole, and lead to each other', async () => {
      const { id, seen } = life;
      const [, , third] = seen as [Seen, Seen, Seen];
      const media = (await play(`/live/${id}/720p.m3u8?asOf=${third.at}`)).text;
      expect(media).toMatch(/#EXT-X-PLAYLIST-TYPE:VOD[\s\S]*#EXT-X-ENDLIST\n$/);
      expect(media.match(/^\.\.\/\.\.\/media\/.*m4s$/gm)).toHaveLength(14);
      for (const uri of media.match(/\/media\/[^"\s]*/g) ?? []) expect((await play(uri)).status).toBe(200);
      const master = (await play(`/live/${id}/master.m3u8?asOf=${third.at}`)).text;
      expect(master).toContain(`\n720p.m3u8?asOf=${third.at}\n`);
      expect(master).toContain(`URI="audio.m3u8?asOf=${third.at}"`);
      const whole = (await play(`/live/${id}/720p.m3u8?asOf=${(seen.at(-1) as Seen).at}`)).text;
      expect(whole).toBe((seen.at(-1) as Seen).media);
      expect((await play(`/live/${id}/manifest.mpd?asOf=${third.at}`)).text).toContain('type="static" mediaPresentationDuration="PT28S"');
      expect((await play(`/live/${id}/manifest.mpd?asOf=${(seen.at(-1) as Seen).at}`)).text).toBe((seen.at(-1) as Seen).mpd);
    });

    test('the token of a live reader is a moment as well', async () => {
      const { id } = life;
      const reader = new SseClient();
      expect(await reader.open(gateway.url, '/api/v1/events/live?from=now', headers)).toBe(200);
      while (reader.lastId === '') await sleep(5);
      const token = reader.lastId;
      reader.close();
      const now = (await get(`/api/v1/streams/${id}`)).json;
      await post('/api/v1/stream/start', { name: 'Later' });
      await world.settle();
      const then = (await get(`/api/v1/streams?limit=200&asOf=${token}`)).json.items as readonly { id: string; name: string }[];
      expect(withoutUrl((await get(`/api/v1/streams/${id}?asOf=${token}`)).json)).toEqual(withoutUrl(now));
      expect(then).toHaveLength((await get('/api/v1/streams?limit=200')).json.items.length - 1);
      const playlist = await play(`/live/${id}/720p.m3u8?asOf=${token}`);
      expect(playlist.text).toBe((await play(`/live/${id}/720p.m3u8`)).text);
      expect(playlist.headers['cache-control']).toContain('immutable');
    });

    test('pages go on within the same moment', async () => {
      const { at } = await look(life.id);
      const all = (await get(`/api/v1/streams?limit=200&asOf=${at}`)).json.items as readonly object[];
      const paged: object[] = [];
      for (let cursor = ''; ;) {
        const page = (await get(`/api/v1/streams?limit=1&asOf=${at}${cursor}`)).json;
        paged.push(...page.items);
        if (page.nextCursor === null) break;
        cursor = `&cursor=${page.nextCursor}`;
      }
      expect(paged).toEqual(all);
    });

    test('purges and parked events', async () => {
      const { purgeId } = (await post('/api/v1/cdn/cache/purge', { urls: ['/live/x'], reason: 'test' })).json as { purgeId: string };
      const asked = await moment();
      const applied = purgeApplied.draft({ purgeId, edgeId: 'edge-1', objects: 2, appliedAtMs: Date.now() });
      await world.facts.publish('cache', [applied], { producer: { id: `edge:${purgeId}`, epoch: 1n } });
      const broken = { topic: 'content', partition: 1, offset: String(Date.now()), consumer: '*', recordedAtMs: 1 };
      const why = { eventId: 'e', eventType: 't', code: 'EVENT_TYPE_UNKNOWN', field: '', message: '', attempts: 1, stack: '' };
      await world.facts.publish('operation', [eventParked.draft({ ...broken, ...why })], { producer: { id: `test:${purgeId}`, epoch: 1n } });
      const done = await moment();
      expect((await get(`/api/v1/cdn/purges/${purgeId}?asOf=${asked}`)).json).toMatchObject({ id: purgeId, reason: 'test', applied: [] });
      expect((await get(`/api/v1/cdn/purges/${purgeId}?asOf=${done}`)).json).toEqual({
        ...(await get(`/api/v1/cdn/purges/${purgeId}`)).json,
        // Which edges were up then nobody can tell.
        progress: null,
      });
      for (const [at, applications] of [
        [asked, []],
        [done, [expect.objectContaining({ edgeId: 'edge-1' })]],
      ] as const) {
        const listed = (await get(`/api/v1/cdn/purges?limit=1&asOf=${at}`)).json.items;
        expect(listed).toEqual([expect.objectContaining({ id: purgeId, applied: applications })]);
      }
      const [before, after] = await Promise.all([asked, done].map(async (at) => (await get(`/api/v1/events/parked?asOf=${at}`)).json.items.length as number));
      expect(after).toBe((before as number) + 1);
    });

    test('gRPC answers rows of a moment', async () => {
      const { id, seen } = life;
      const { getStream, listSegments } = QueryService.method;
      const statuses = await Promise.all(seen.map(async ({ at }) => (await grpc.unary(getStream, { streamId: id, asOf: at })).stream?.status));
      expect(statuses).toEqual(['created', 'created', 'created', 'created', 'stopped']);
      const segments = async (asOf: string): Promise<number> =>
        (await grpc.unary(listSegments, { where: { streamId: id, rendition: '720p' }, asOf, pageSize: 1000 })).segments.length;
      expect(await Promise.all(seen.map(({ at }) => segments(at)))).toEqual([0, 1, 14, 15, 15]);
      const refused = (await grpc.unary(getStream, { streamId: id, asOf: 'yesterday' }).then(
        () => undefined,
        (ended: unknown) => ended,
      )) as Ended;
      expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT' });
    });

    test('REST answers rows of a moment, page by page', async () => {
      const { id, seen } = life;
      const rows = '/api/v1/read-models/segment/rows';
      for (const [at, count] of [
        [seen[0], 0],
        [seen[2], 14],
        [seen[4], 15],
      ] as const) {
        const paged: unknown[] = [];
        for (let cursor = ''; ;) {
          const page = (await get(`${rows}?where=stream_id:${id}&where=rendition:720p&limit=4&asOf=${at?.at}${cursor}`)).json;
          paged.push(...page.rows.map((row) => row['media_sequence']));
          if (page.nextCursor === null) break;
          cursor = `&cursor=${page.nextCursor}`;
        }
        expect(new Set(paged).size).toBe(count);
      }
      const [now, then] = [await get(`${rows}?where=stream_id:${id}&limit=1000`), await get(`${rows}?where=stream_id:${id}&limit=1000&asOf=${seen[4]?.at}`)];
      expect(now.json.rows.length).toBeGreaterThan(14);
      expect(then.json).toEqual(now.json);
      expect((await get('/api/v1/read-models/nothing/rows')).json.type).toBe('urn:streams:problem:unknown-table');
      expect((await get(`${rows}?where=name:x`)).json.errors[0]?.field).toBe('query.where');
      expect((await get(`${rows}?cursor=abc`)).json.type).toBe('urn:streams:problem:token-invalid');
    });

    test('a tenant sees its own past alone', async () => {
      const { id, seen } = life;
      const { at } = seen[2] as Seen;
      const { authorization } = await world.key(['view'], { tenant: 'acme' });
      expect((await get(`/api/v1/streams/${id}?asOf=${at}`, { authorization })).status).toBe(404);
      expect((await get(`/api/v1/streams?asOf=${at}`, { authorization })).json.items).toEqual([]);
    });
  });

  describe(`what cannot be answered, on ${name}`, () => {
    test.each([
      ['no time and no token', () => 'yesterday', 400, 'invalid-request'],
      ['a day that there is not', () => '2026-02-31T25:00:00Z', 400, 'invalid-request'],
      ['a time without a zone', () => '2026-02-03T12:00:00', 400, 'invalid-request'],
      ['30 February', () => '2026-02-30T00:00:00Z', 400, 'invalid-request'],
      ['a time to come', () => new Date(Date.now() + 60_000).toISOString(), 400, 'as-of-in-future'],
      ['a time before the log', () => new Date(beforeAllMs).toISOString(), 400, 'as-of-before-log'],
      ['a token that was tampered with', () => 'A'.repeat(64), 400, 'token-invalid'],
      [
        'a token of another log',
        () =>
          new ResumeTokens(Buffer.alloc(32, 7), 'another').format(
            'live',
            {},
            lanes.map(() => 0n),
          ),
        400,
        'token-of-another-log',
      ],
    ])('%s', async (_what, text, status, code) => {
      for (const path of [
        `/api/v1/streams?`,
        `/api/v1/streams/${life.id}?`,
        `/live/${life.id}/720p.m3u8?`,
        '/api/v1/events/parked?',
        '/api/v1/read-models/stream/rows?',
        '/api/v1/cdn/purges?',
      ]) {
        const answer = await get(`${path}asOf=${text()}`);
        expect([path, answer.status, answer.json.type]).toEqual([path, status, `urn:streams:problem:${code}`]);
        expect(answer.json.errors[0]?.field).toBe('query.asOf');
      }
      const { listStreams, getStream, listPurges } = QueryService.method;
      const calls = [
        () => grpc.unary(listStreams, { asOf: text() }),
        () => grpc.unary(listPurges, { asOf: text() }),
        () => grpc.unary(getStream, { streamId: life.id, asOf: text() }),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: code.replaceAll('-', '_').toUpperCase() });
    });

    test('a token of a reader of another topic, a window without a moment, an unknown window', async () => {
      const reader = new SseClient();
      await reader.open(gateway.url, '/api/v1/events/live?from=now&context=cache', headers);
      while (reader.lastId === '') await sleep(5);
      reader.close();
      expect((await get(`/api/v1/streams?asOf=${reader.lastId}`)).json.type).toBe('urn:streams:problem:token-of-other-filter');
      expect((await play(`/live/${life.id}/720p.m3u8?window=live`)).json.errors[0]?.field).toBe('query.asOf');
      expect((await play(`/live/${life.id}/720p.m3u8?asOf=2026-01-01T00:00:00Z&window=all`)).json.errors[0]?.field).toBe('query.window');
    });

    test('a moment that has just passed is not kept for ever, one long ago is', async () => {
      const { id } = life;
      const justNow = new Date(Date.now() - 50).toISOString();
      const fresh = await play(`/live/${id}/720p.m3u8?asOf=${justNow}`);
      expect(fresh.headers['cache-control']).toBe('public, max-age=1');
      const again = await ask(gateway.url, `/live/${id}/720p.m3u8?asOf=${justNow}`, {
        headers: { 'if-none-match': String(fresh.headers.etag) },
      });
      expect(again.status).toBe(304);
    });
  });
}
