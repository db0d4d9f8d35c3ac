import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openEngines } from '#adapters/engines';
import { contexts, topicPartitions } from '#events';
import { projections } from '#read-models';
import { createLogger, PastKeeper, readSharedSettings } from '#runtime';
import { pino } from 'pino';
import { EventService, StartAt } from '../../apps/gateway/grpc/generated/streams/v1/event_service_pb.ts';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { GrpcClient } from '../../apps/gateway/testing/grpc-client.ts';
import { SseClient } from '../../apps/gateway/testing/sse-client.ts';
import { announceEncoding, announceEncodingEnd, announceSegment } from '../../apps/gateway/testing/stream-facts.ts';
import { ReplayHost } from '../../apps/projector/replay/replay-host.ts';
import { migrateLog, type LogEngine } from '../../apps/streams/migrate/migrate-log.command.ts';
import { readStreamsSettings } from '../../apps/streams/streams.config.ts';
import { keepLedger } from '../ledger/ledger-run.ts';
import { history } from '../replay/history.ts';
import { recordAll } from '../replay/world.ts';
import { startKeeper } from './keeper-process.ts';
import { everything, freshLog, type Held } from './sealed-history.ts';

type Env = Readonly<Record<string, string>>;

export interface SealedPastInit {
  readonly name: string;
  readonly engine: LogEngine;
  /** Settings of the log; for the embedded one, those that do not name Kafka. */
  readonly startLog: () => Promise<Env>;
  /** A Kafka to which the log, or from which it moves. */
  readonly otherKafka: () => Promise<Env>;
}

const streams = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));
const replays = { replaysMax: 2, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: 3_600_000, lookMs: 50 };

/** Whoever reads the log from its beginning, while nearly all of it lies in sealed segments. */
export function sealedPastCases({ name, engine, startLog, otherKafka }: SealedPastInit): void {
  describe(`with the past of ${name} sealed`, () => {
    let engines: RealEngines;
    let world: World;
    let gateway: RunningGateway;
    let authorization: string;
    let chosen: Env;
    let elsewhere: string;
    let streamId: string;
    let before: Held;
    let seen: { readonly at: string; readonly playlist: string; readonly list: unknown };

    const api = async (method: string, path: string, body?: object): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> => {
      const init = { method, headers: { authorization, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await fetch(`${gateway.url}${path}`, init);
      return { status: response.status, json: (await response.json()) as Record<string, unknown> };
    };
    const playlist = async (query = ''): Promise<string> => (await fetch(`${gateway.url}/live/${streamId}/720p.m3u8${query}`)).text();
    const idsOf = (held: Held): string[] => [...held.values()].flatMap((records) => records.map(({ headers }) => headers['ce_id'] ?? ''));

    /** A stream in the middle of its life, and what was shown of it. */
    async function liveStream(): Promise<void> {
      streamId = (await api('POST', '/api/v1/stream/start', { name: 'Sealed' })).json['id'] as string;
      await announceEncoding(world, streamId);
      for (let at = 0; at < 8; at++) await announceSegment(world, streamId, at);
      await world.settle();
      await sleep(5);
      const at = new Date().toISOString();
      await sleep(5);
      seen = { at, playlist: await playlist(), list: (await api('GET', '/api/v1/streams?limit=200')).json['items'] };
      for (let segment = 8; segment < 12; segment++) await announceSegment(world, streamId, segment);
      await api('POST', '/api/v1/stream/stop', { id: streamId });
      await announceEncodingEnd(world, streamId);
      await world.settle();
    }

    /** Everything that is signed goes into segments, by a process of its own. */
    async function sealAll(): Promise<void> {
      const { log, ledger, secrets, folder, databaseUrl } = engines;
      await keepLedger({ log, store: ledger, secrets });
      const { id } = (await api('POST', '/api/v1/log/sealings', { olderThanSeconds: 0, reason: 'a test' })).json as unknown as { readonly id: string };
      const keeper = startKeeper({ ...chosen, STREAMS_DATA_DIR: folder, DATABASE_URL: databaseUrl });
      for (let state = 'open'; state !== 'ended'; await sleep(50)) state = String((await api('GET', `/api/v1/log/sealings/${id}`)).json['state']);
      await keeper.stop();
      await world.settle();
    }

    beforeAll(async () => {
      chosen = await startLog();
      elsewhere = await mkdtemp(join(tmpdir(), 'streams-sealed-'));
      engines = await realEngines(chosen);
      world = await World.open(engines);
      gateway = await startGateway(engines, world.consolePath);
      ({ authorization } = await world.key(['admin']));
      await recordAll(engines, history({ seed: 27, streams: 20, segments: 8 }));
      await liveStream();
      before = await everything(engines.log);
      await sealAll();
    }, 240_000);

    afterAll(async () => {
      await gateway?.stop();
      await world?.close();
      if (elsewhere !== undefined) await rm(elsewhere, { recursive: true, force: true });
    });

    test('the engine holds nothing of it, and who asks the log gets all of it', async () => {
      const left = await Promise.all(contexts.filter((topic) => topic !== 'operation').map((topic) => leftOf(engines, topic)));
      expect(left.flat()).toEqual([]);
      const after = await everything(freshLog(engines));
      for (const [place, records] of before) expect(after.get(place)?.slice(0, records.length)).toEqual(records);
    });

    test('a reader by SSE, and one by gRPC, read it from the beginning, each event once', async () => {
      const all = idsOf(await everything(engines.log)).toSorted();
      const reader = new SseClient<{ readonly id: string }>();
      expect(await reader.open(gateway.url, '/api/v1/events/live?from=beginning', { authorization })).toBe(200);
      await reader.until(all.length);
      reader.close();
      expect(reader.messages.map(({ event }) => event.id).toSorted()).toEqual(all);
      const client = new GrpcClient(gateway.grpc, authorization);
      const reading = client.serverStream(EventService.method.subscribe, { start: { case: 'at', value: StartAt.BEGINNING }, batchEventsMax: 500 });
      await reading.until((messages) => messages.reduce((sum, { events }) => sum + events.length, 0) >= all.length);
      reading.cancel();
      client.close();
      expect(reading.messages.flatMap(({ events }) => events.map(({ id }) => id)).toSorted()).toEqual(all);
    });

    test('read models are compared and rebuilt', async () => {
      const logger = await createLogger({ name: 'replay', node: 'test', logFormat: 'json', logLevel: 'silent' });
      const host = new ReplayHost({ owner: 'replayer', ...replays }, { ...engines, projections, commands: world.commands, logger });
      host.start();
      const outcome = async (body: object, ...statuses: readonly string[]): Promise<Record<string, unknown>> => {
        const { id } = (await api('POST', '/api/v1/replays', { projection: 'streams', reason: 'test', ...body })).json as unknown as { readonly id: string };
        for (let json: Record<string, unknown> = {}; ; await sleep(50)) {
          json = (await api('GET', `/api/v1/replays/${id}`)).json;
          // What is decided is known at once; why, with the row.
          const isTold = json['status'] !== 'failed' || json['note'] !== 'replayer';
          if (statuses.includes(String(json['status'])) && isTold) return json;
        }
      };
      const ended = async (body: object, status: string): Promise<Record<string, unknown>> => {
        const json = await outcome(body, status, 'failed');
        if (json['status'] === 'failed') throw new Error(JSON.stringify(json));
        return json;
      };
      const shown = (await api('GET', '/api/v1/streams?limit=200')).json['items'];
      expect(await ended({ mode: 'comparison' }, 'compared')).toMatchObject({ difference: { equal: true } });
      // What this process has read of a segment is no witness for one that is gone meanwhile.
      const cid = (await engines.sealedLog.allSealed()).find(({ topic }) => topic === 'stream')?.segments[0]?.cid ?? '';
      const blob = join(engines.folder, (await readdir(engines.folder, { recursive: true })).find((file) => file.endsWith(`/${cid}`)) ?? '');
      await rename(blob, `${blob}.away`);
      const failed = await outcome({ mode: 'comparison' }, 'compared', 'failed');
      await rename(`${blob}.away`, blob);
      expect(failed).toMatchObject({ status: 'failed', note: expect.stringContaining('SEALED_SEGMENT_DAMAGED') });
      await ended({ promote: true }, 'promoted');
      await host.stop();
      await world.settle();
      expect((await api('GET', '/api/v1/streams?limit=200')).json['items']).toEqual(shown);
    });

    test('the past is what it was, from the log and from pieces', async () => {
      const check = async (): Promise<void> => {
        expect(await playlist(`?asOf=${seen.at}&window=live`)).toBe(seen.playlist);
        const { items } = (await api('GET', `/api/v1/streams?limit=200&asOf=${seen.at}`)).json as unknown as {
          readonly items: ReadonlyArray<{ playback: unknown }>;
        };
        // Who watched then is not on the log.
        const bare = (rows: ReadonlyArray<{ playback: unknown }>): readonly object[] => rows.map((row) => ({ ...row, playback: null, viewers: null }));
        expect(bare(items)).toEqual(bare(seen.list as ReadonlyArray<{ playback: unknown }>));
      };
      await check();
      const { log, past, leases, clock } = engines;
      const init = { projections, owner: 'test', pieceEvents: 16, fan: 4 };
      await new PastKeeper(init, { log, past, leases, clock, logger: pino({ level: 'silent' }) }).catchUp();
      await check();
    });

    test('an auditor gets every record of it, and needs nothing else', async () => {
      await keepLedger({ log: engines.log, store: engines.ledger, secrets: engines.secrets });
      const count = idsOf(await everything(engines.log)).length;
      const command = (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> =>
        new Promise((resolve) =>
          execFile(process.execPath, ['--no-warnings', streams, ...args], (error, out, err) =>
            resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: out + err }),
          ),
        );
      const bundle = join(elsewhere, 'bundle');
      const key = authorization.slice('Bearer '.length);
      expect(await command('audit', 'export', bundle, '--url', gateway.url, '--key', key)).toMatchObject({ code: 0 });
      const verified = await command('audit', 'verify', '--offline', bundle);
      expect(verified).toMatchObject({ code: 0, out: expect.stringContaining(`; ${count} records compared`) });
    });

    test('it moves to the other engine, and back beside and onto what was left there', async () => {
      const kafka = engine === 'kafka' ? chosen : await otherKafka();
      const home = engine === 'kafka' ? join(elsewhere, 'home') : engines.folder;
      const move = async (to: LogEngine, dataDir: string): Promise<Awaited<ReturnType<typeof migrateLog>>> => {
        // Blobs stay where they are; a database would move along.
        const settings = { ...readStreamsSettings({ ...kafka, STREAMS_DATA_DIR: dataDir, DATABASE_URL: '' }), blobPath: join(engines.folder, 'blobs') };
        return migrateLog({ settings, to, say: () => undefined, showProgress: () => undefined });
      };
      const digests = (report: Awaited<ReturnType<typeof migrateLog>>): unknown => report.topics.map(({ topic, records, digest }) => [topic, records, digest]);
      const there = engine === 'kafka' ? 'embedded' : 'kafka';
      const back = engine === 'kafka' ? 'kafka' : 'embedded';
      const moved = await move(there, home);
      expect(moved.topics.reduce((sum, { records }) => sum + records, 0)).toBe(idsOf(await everything(engines.log)).length);
      const returned = await move(back, home);
      expect(digests(returned)).toEqual(digests(moved));
      expect(returned.topics.every(({ records, found }) => records === found)).toBe(true);
      if (engine === 'kafka') return;
      expect(digests(await move('embedded', join(elsewhere, 'home')))).toEqual(digests(moved));
      const copy = await openEngines(readSharedSettings({ KAFKA_BROKERS: '', STREAMS_DATA_DIR: join(elsewhere, 'home') }), 'log');
      expect(idsOf(await everything(copy.log)).toSorted()).toEqual(idsOf(await everything(engines.log)).toSorted());
      await copy.close();
    });
  });
}

/** Places of which the engine itself still holds something. */
async function leftOf({ sealedLog }: RealEngines, topic: string): Promise<readonly string[]> {
  const heads = await sealedLog.hot.heads(topic);
  expect(heads).toHaveLength(topicPartitions);
  return heads.filter(({ low, high }) => low < high).map(({ partition }) => `${topic}/${partition}`);
}
