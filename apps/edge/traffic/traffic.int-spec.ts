import type { EventOf, trafficReported } from '#events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, type EdgeRuntime } from '../edge.fixture.ts';
import { ToldTraffic } from './traffic.fixture.ts';

type Reported = EventOf<typeof trafficReported>;

describe.each<EdgeRuntime>(['bun', 'node'])('what an edge records of its traffic, on %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;
  let told: ToldTraffic;

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { EDGE_REGION: 'north' } });
    told = new ToldTraffic(folder.path);
  }, 30_000);

  afterAll(async () => {
    await told.close();
    await edge.kill();
    await origin.close();
    await folder.remove();
  });

  test('a miss and a hit: who, what, how much, from where; and no secrets', async () => {
    origin.says('/a.m4s?token=s3cret&v=1', '200 OK\r\ncontent-type: video/mp4; codecs="avc1"\r\ncache-control: max-age=60', 'hello');
    for (let at = 0; at < 2; at++) await edge.get('/a.m4s?token=s3cret&v=1', { host: 'CDN.example.org:8081', 'user-agent': 'curl/8.5.0' });
    const [miss, hit] = await told.linesOf('/a.m4s?v=1', 2);
    const common = { zone: null, host: 'cdn.example.org', method: 'GET', status: 200, bytes: 5, complete: true, contentType: 'video/mp4', agent: 'tool' };
    expect(miss).toMatchObject({ ...common, cache: 'miss' });
    expect(hit).toMatchObject({ ...common, cache: 'hit', client: miss?.client });
    expect(JSON.stringify(await told.lines())).not.toMatch(/s3cret|127\.0\.0\.1/);
  });

  test('HEAD, errors of the origin and of the edge, a request that is refused', async () => {
    origin.says('/a.m4s?v=1', '200 OK\r\ncontent-type: video/mp4\r\ncache-control: max-age=60', 'hello');
    await edge.get('/a.m4s?v=1');
    await edge.get('/a.m4s?v=1', { 'user-agent': 'head' }, 'HEAD');
    origin.says('/broken', '500 Oops', 'oh');
    await edge.get('/broken');
    origin.on('/gone', ({ socket }) => void socket.destroy());
    await edge.get('/gone');
    const [broken, gone] = [(await told.linesOf('/broken'))[0], (await told.linesOf('/gone'))[0]];
    expect(broken).toMatchObject({ status: 500, cache: 'miss', bytes: 2 });
    expect(gone).toMatchObject({ status: 502, cache: 'error' });
    const head = (await told.lines()).find(({ method }) => method === 'HEAD');
    expect(head).toMatchObject({ path: '/a.m4s?v=1', status: 200, bytes: 0, cache: 'hit' });
  });

  test('of an answer that its client does not take to the end, what was handed on', async () => {
    const piece = 'a'.repeat(64 * 1024);
    origin.on('/endless', ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write(`10000\r\n${piece}\r\n`), 5);
      socket.once('close', () => clearInterval(timer));
    });
    await sendRaw(edge.port, 'GET /endless HTTP/1.1\r\nHost: a\r\n\r\n', /aaaa/);
    const [line] = await told.linesOf('/endless');
    expect(line).toMatchObject({ status: 200, complete: false });
    expect(line?.bytes).toBeGreaterThan(0);
    expect(line?.bytes).toBeLessThan(50e6);
  });

  test('probes are not recorded', async () => {
    for (const path of ['/healthz', '/readyz', '/edge-status']) await edge.get(path);
    origin.says('/after', '200 OK', 'x');
    await edge.get('/after');
    await told.linesOf('/after');
    expect((await told.lines()).filter(({ path }) => /healthz|readyz|edge-status/.test(path))).toEqual([]);
  });

  test('an edge that ends has told everything: counters hold every line, the hour holds its minutes', async () => {
    expect(await edge.kill('SIGTERM')).toBe(0);
    const events = await told.events();
    const all = await told.lines();
    const last = new Map<string, Reported['data']['zones'][number]>();
    for (const event of events) {
      if (event.type !== 'traffic.reported') continue;
      const { data } = event as Reported;
      expect(data).toMatchObject({ edgeId: 'edge-1', region: 'north' });
      for (const zone of data.zones) last.set(`${data.period} ${data.startMs}`, zone);
    }
    const sum = (period: string, of: (zone: Reported['data']['zones'][number]) => number): number =>
      [...last].filter(([key]) => key.startsWith(period)).reduce((total, [, zone]) => total + of(zone), 0);
    for (const period of ['minute', 'hour']) {
      expect(sum(period, ({ requests }) => requests)).toBe(all.length);
      expect(sum(period, ({ bytes }) => bytes)).toBe(all.reduce((bytes, line) => bytes + line.bytes, 0));
      expect(sum(period, ({ cache }) => cache.error)).toBe(all.filter(({ cache }) => cache === 'error').length);
      expect(sum(period, ({ latency }) => latency.reduce((total, count) => total + count, 0))).toBe(all.length);
    }
    const favourites = events.flatMap((event) => (event.type === 'popularity.reported' ? event.data.objects : []));
    expect(favourites.filter(({ path }) => path === '/a.m4s?v=1').at(-1)).toMatchObject({ requests: expect.any(Number) });
    expect(new Set(events.map(({ tenant }) => tenant))).toEqual(new Set(['default']));
  });
});
