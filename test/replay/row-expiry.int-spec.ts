import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SystemClock } from '#adapters/system';
import { Database, RowRetention } from '#adapters/postgres';
import { playbackSessionTable, playbacksProjection } from '#domain/playback';
import { encodeEvent, playbackEnded, playbackReported, playbackStarted, type DraftOf, type LogRecord } from '#events';
import { createLogger, type ConsumerHost } from '#runtime';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RowSweeper } from '../../apps/projector/expiry/row-sweeper.ts';
import { ReplayHost } from '../../apps/projector/replay/replay-host.ts';
import { Orders } from './orders.ts';
import { caughtUp, hostOf, openWorld, type World } from './world.ts';

const hourMs = 3_600_000;
const projections = [playbacksProjection];
const table = playbackSessionTable;

/** An event of the playback that is called so, told so many hours ago. */
function told(hoursAgo: number, draft: DraftOf<typeof playbackStarted | typeof playbackReported | typeof playbackEnded>): LogRecord {
  const common = { source: '/test', tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:test' };
  const time = Date.now() - Math.round(hoursAgo * hourMs);
  const { sessionId } = draft.data;
  return encodeEvent({ ...common, ...draft, version: 1, key: sessionId, subject: sessionId, id: randomUUID(), time, producerEpoch: 0n, streamVersion: 0n });
}

const of = (sessionId: string) => ({ sessionId, assetKind: 'stream', assetId: 'st-1' }) as const;
const began = (hoursAgo: number, sessionId: string) => told(hoursAgo, playbackStarted.draft({ ...of(sessionId), startupMs: 400, rendition: '240p' }));
const counters = { playedMs: 60_000, stalls: 1, stalledMs: 20 };
const went = (hoursAgo: number, sessionId: string) => told(hoursAgo, playbackReported.draft({ ...of(sessionId), ...counters, rendition: '720p' }));
const over = (hoursAgo: number, sessionId: string) => told(hoursAgo, playbackEnded.draft({ ...of(sessionId), ...counters, reason: 'left' }));

describe('playbacks that nobody tells of any more', () => {
  let world: World;
  let database: Database;
  let retention: RowRetention;
  let host: ConsumerHost;
  const sweepers: RowSweeper[] = [];

  async function record(...records: readonly LogRecord[]): Promise<void> {
    await world.log.append('playback', records);
    await caughtUp(world, projections);
  }

  async function seen(): Promise<readonly unknown[]> {
    const rows = await world.reads.select(table, { orderBy: [{ column: 'session_id' }], limit: 9000 });
    return rows.map((row) => row['session_id']);
  }

  async function stored(): Promise<readonly (string | null)[]> {
    const { rows } = await database.read({ text: `SELECT session_id FROM playbacks_v${playbacksProjection.version}.playback_session ORDER BY 1` });
    return rows.map(([id]) => id ?? null);
  }

  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 20_000; !(await condition()); await sleep(20)) if (Date.now() > end) throw new Error('It does not come to pass.');
  }

  async function sweep(owner: string): Promise<void> {
    const logger = await createLogger({ name: 'sweeper', node: 'test', logFormat: 'json', logLevel: 'silent' });
    const keeps = { [table.name]: 48 * hourMs };
    const sweeper = new RowSweeper({ owner, keeps, lookMs: 20 }, { retention, leases: world.leases, logger });
    sweepers.push(sweeper);
    sweeper.start();
  }

  beforeAll(async () => {
    world = await openWorld();
    database = new Database({ url: world.databaseUrl });
    retention = new RowRetention(database);
    host = await hostOf(world, projections);
    await host.start();
  });

  afterAll(async () => {
    await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
    await host?.stop();
    await database?.close();
    await world?.close();
  });

  test('are kept for ever where nobody says for how long', async () => {
    await record(
      began(900, 'a-long-over'),
      over(899, 'a-long-over'),
      began(60, 'b-silent'),
      began(1, 'c-watching'),
      began(60, 'd-went-on'),
      went(2, 'd-went-on'),
    );
    expect(await retention.sweep(100)).toBe(0);
    expect(await seen()).toEqual(['a-long-over', 'b-silent', 'c-watching', 'd-went-on']);
  });

  test('are invisible from one moment on, and removed by one of two sweepers', async () => {
    const many = Array.from({ length: 1200 }, (_, n) => began(50 + n / 10, `many-${n}`));
    await record(...many);
    await retention.keep({ [table.name]: 48 * hourMs });
    expect(await seen()).toEqual(['c-watching', 'd-went-on']);
    expect(await stored()).toHaveLength(1204);
    await Promise.all([sweep('one'), sweep('another')]);
    await until(async () => (await stored()).length === 2);
    expect(await stored()).toEqual(['c-watching', 'd-went-on']);
    expect((await world.leases.list('row-expiry')).map(({ expired }) => expired)).toEqual([false]);
  });

  test('stay invisible when something is told of them late, and come back when they go on', async () => {
    await record(over(100, 'b-silent'), went(0.1, 'a-long-over'));
    expect(await seen()).toEqual(['a-long-over', 'c-watching', 'd-went-on']);
    await until(async () => (await stored()).length === 3);
  });

  test('are no difference to what a rebuild makes of the whole log; a row that was lost or changed is one', async () => {
    const orders = new Orders(world);
    const logger = await createLogger({ name: 'replay', node: 'test', logFormat: 'json', logLevel: 'silent' });
    const limits = { replaysMax: 1, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: hourMs, lookMs: 50 };
    const { log, builds, aggregates, leases, parked, past } = world;
    const replayer = new ReplayHost(
      { owner: 'replayer', ...limits },
      { projections, log, builds, aggregates, leases, parked, past, commands: orders.commands, clock: new SystemClock(), logger },
    );
    replayer.start();
    try {
      const compare = async (id: string) => {
        await orders.request(id, { projection: 'playbacks', mode: 'comparison' });
        await orders.until(id, 'compared');
        return (await world.builds.show(id))?.difference;
      };
      const same = await compare('rp-expired');
      expect(same).toMatchObject({ equal: true, tables: [{ serving: 1, rebuilt: 1 }] });
      expect(same?.tables[0]?.servingDigest).toBe(same?.tables[0]?.rebuiltDigest);
      await record(began(3, 'e-lost'));
      await database.run({ text: `DELETE FROM playbacks_v${playbacksProjection.version}.playback_session WHERE session_id = 'e-lost'` });
      expect(await compare('rp-lost')).toMatchObject({ equal: false, tables: [{ added: 1, removed: 0, changed: 0 }] });
      await orders.request('rp-new', { projection: 'playbacks', promote: true });
      await orders.until('rp-new', 'promoted');
      expect(await seen()).toEqual(['a-long-over', 'c-watching', 'd-went-on', 'e-lost']);
      await until(async () => (await stored()).length === 4);
    } finally {
      await replayer.stop();
    }
  });

  test('a row that is being written is passed over, and nobody waits', async () => {
    await Promise.all(sweepers.splice(0).map((sweeper) => sweeper.stop()));
    await record(began(70, 'f-busy'), began(71, 'g-idle'));
    await database.transaction(async (run) => {
      await run({ text: `SELECT FROM playbacks_v${playbacksProjection.version}.playback_session WHERE session_id = 'f-busy' FOR UPDATE` });
      expect(await retention.sweep(10)).toBe(1);
    });
    expect(await retention.sweep(10)).toBe(1);
    expect(await stored()).toEqual(['a-long-over', 'c-watching', 'd-went-on', 'e-lost']);
  });
});
