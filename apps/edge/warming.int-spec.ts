import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, topicPartitions, warmFinished, warmRequested, type DraftOf } from '#events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

const ids = new UuidV7IdSource();
const media = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: video/mp4';
const list = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: application/vnd.apple.mpegurl';

describe.each<EdgeRuntime>(['bun', 'node'])('what is fetched before it is asked for, by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let edge: EdgeProcess;

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { EDGE_REGION: 'eu' } });
  }, 30_000);

  afterEach(async () => {
    await edge.kill();
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const warm = async (data: Partial<DraftOf<typeof warmRequested>['data']> & { readonly warmId: string }): Promise<void> => {
    const whole = { urls: [], sitemaps: [], regions: [], edges: [], perSecond: 1000, dryRun: false, part: 0, parts: 1, total: 0, reason: 'test', ...data };
    const about = { type: warmRequested.type, version: 1, source: '/test', subject: data.warmId, key: data.warmId, tenant: 'default', actor: 'key:test' };
    const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
    await log.append('cache', [encodeEvent({ id: ids.next(), time: Date.now(), ...about, ...trace, data: whole })]);
  };

  const finished = async (warmId: string): Promise<DraftOf<typeof warmFinished>['data'] | undefined> => {
    for (const { partition, low } of await log.heads('cache')) {
      const batch = await log.read('cache', partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
      for (const event of batch.records.map(decodeEvent)) if (event.type === warmFinished.type && event.data.warmId === warmId) return event.data;
    }
    return undefined;
  };

  test('who reads a playlist finds its newest segments', async () => {
    const names = [1, 2, 3, 4].map((at) => `/live/x/${at}.m4s`);
    for (const name of names) origin.says(name, media, `bytes of ${name}`);
    origin.says('/live/x/720p.m3u8', list, `#EXTM3U\n${names.map((name) => `#EXTINF:2,\n${name}`).join('\n')}\n`);
    expect((await edge.get('/live/x/720p.m3u8')).status).toBe(200);
    // The playlist has waited for them.
    for (const name of names.slice(1)) {
      const answer = await edge.get(name);
      expect([answer.body, answer.headers['cache-status']]).toEqual([`bytes of ${name}`, expect.stringMatching(/^edge-1; hit/)]);
    }
    expect(origin.count(names[0] as string)).toBe(0);
    expect((await edge.status())['prefetch' as never]).toMatchObject({ manifest: { fetched: 3, used: 3, wasted: 0 } });
  });

  test('a warming on the log is done and told, once by each edge that it is for', async () => {
    for (const name of ['/a.js', '/b.js']) origin.says(name, media, name);
    origin.says('/p.js', '200 OK\r\ncache-control: private', 'p');
    await warm({ warmId: 'wm-other', urls: ['/never.js'], regions: ['us'] });
    await warm({ warmId: 'wm-dry', urls: ['/a.js'], dryRun: true });
    await warm({ warmId: 'wm-1', urls: ['/a.js', '/b.js', '/p.js', '/none.js'], regions: ['eu'] });
    await until(async () => (await finished('wm-1')) !== undefined && (await finished('wm-dry')) !== undefined);
    expect(await finished('wm-dry')).toMatchObject({ urls: 1, present: 0, fetched: 1 });
    expect(await finished('wm-1')).toMatchObject({ edgeId: 'edge-1', region: 'eu', urls: 4, present: 0, fetched: 2, failed: 2, bytes: 10 });
    expect((await edge.get('/a.js')).headers['cache-status']).toMatch(/^edge-1; hit/);
    expect([origin.count('/a.js'), origin.count('/never.js'), await finished('wm-other')]).toEqual([1, 0, undefined]);
  });
});
