import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { audit, nodeLedgerHash, openBundle, type AuditReport } from '#adapters/ledger';
import { SealedEventLog } from '#adapters/sealed-log';
import { decodeBundle, encodeBundle, parseHolding } from '#core/ledger';
import type { EventLog } from '#ports';
import { CommandExecutor } from '#runtime';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { RetentionKeeper } from '../../apps/projector/retention/retention-keeper.ts';
import { apiLedger } from '../../apps/streams/audit/api-ledger.ts';
import { recordsOfLog } from '../../apps/streams/audit/log-records.ts';
import { exportLedger } from '../../apps/streams/cli/audit.commands.ts';
import { ApiClient } from '../../apps/streams/client/api-client.ts';
import { bundleOf } from './bundle-of.ts';
import { keepLedger } from './ledger-run.ts';

const count = 300;

describe('a platform whose past is sealed', () => {
  let world: World;
  let gateway: RunningGateway;
  let headers: { readonly authorization: string };
  let before: readonly unknown[];
  let folder: string;

  const call = async (method: string, path: string, body?: object): Promise<{ readonly status: number; readonly json: unknown }> => {
    const init = { method, headers: { ...headers, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${gateway.url}${path}`, init);
    return { status: response.status, json: (await response.json()) as unknown };
  };
  const history = async (): Promise<readonly unknown[]> =>
    ((await call('GET', '/api/v1/events?context=content&limit=1000')).json as { readonly items: readonly unknown[] }).items;

  beforeAll(async () => {
    const engines = await realEngines();
    ({ folder } = engines);
    world = await World.open(engines);
    gateway = await startGateway(world.engines, world.consolePath);
    headers = { authorization: (await world.key(['admin'])).authorization };
    for (let n = 0; n < count; n++) {
      const data = { contentId: 'one', url: `https://origin.example/${n}`, contentType: 'video/mp4' };
      const body = JSON.stringify({ specversion: '1.0', id: `e-${n}`, source: '/cms', type: 'content.published', data });
      const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/cloudevents+json' }, body };
      expect((await fetch(`${gateway.url}/api/v1/events`, init)).status).toBe(200);
    }
    await world.settle();
    before = await history();
    const { log, ledger, secrets } = world.engines;
    await keepLedger({ log, store: ledger, secrets });
    const ordered = await call('POST', '/api/v1/log/sealings', { olderThanSeconds: 0, reason: 'a test' });
    const { id } = ordered.json as { readonly id: string };
    const { aggregates, clock, ids, leases, sealedLog } = world.engines;
    const commands = new CommandExecutor({ aggregates, clock, ids, source: '/test' });
    const keeper = new RetentionKeeper(
      { owner: 'test', topics: ['content', 'operation'], settings: { hotMs: {}, keptMs: {} }, source: '/test', lookMs: 20 },
      {
        log: sealedLog,
        ledger,
        projections: [],
        store: world.engines.projections,
        leases,
        aggregates,
        commands,
        clock,
        ids,
        logger: pino({ level: 'silent' }),
      },
    );
    keeper.start();
    for (let state = 'open'; state !== 'ended';) state = ((await call('GET', `/api/v1/log/sealings/${id}`)).json as { readonly state: string }).state;
    await keeper.stop();
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  test('says so, and holds nothing of it in the engine', async () => {
    const answer = await call('GET', '/api/v1/log?topic=content&olderThanSeconds=0');
    const { partitions } = answer.json as { readonly partitions: ReadonlyArray<Record<string, unknown>> };
    const sealed = partitions.filter(({ segments }) => segments !== 0);
    expect(sealed).toEqual([
      expect.objectContaining({ first: '0', hotFirst: `${count}`, end: `${count}`, segments: 1, sealedRecords: count, old: 0, problem: null }),
    ]);
    const { json: segments } = await call('GET', `/api/v1/log/content/${String(sealed[0]?.['partition'])}/segments`);
    expect(segments).toMatchObject({ items: [{ number: 1, records: count, types: { 'content.published': count } }] });
  });

  test('shows the same history, proves its events, and verifies record by record', async () => {
    expect(before).toHaveLength(count);
    expect(await history()).toEqual(before);
    expect(await call('GET', '/api/v1/ledger/events/e-7/proof')).toMatchObject({ status: 200, json: { eventId: 'e-7' } });
    const report = await audit(await recordsOfLog(await bundleOf(world.engines.ledger), world.engines.log), { keys: [], witnessKeys: [], cosignersMin: 0 });
    expect(report.trees.flatMap(({ findings }) => findings)).toEqual([]);
    expect(report.compared).toBe(report.records);
  });

  describe('that somebody changes', () => {
    const sealedBlob = async (): Promise<readonly [cid: string, partition: number]> => {
      const at = (await world.engines.sealedLog.allSealed()).find(({ topic }) => topic === 'content');
      return [at?.segments[0]?.cid ?? '', at?.partition ?? -1];
    };
    const blobFile = async (cid: string): Promise<string> => {
      const found = (await readdir(folder, { recursive: true })).find((name) => name.endsWith(`/${cid}`));
      return join(folder, found ?? '');
    };
    const findings = async (log: EventLog): Promise<readonly object[]> => {
      const report = await audit(await recordsOfLog(await bundleOf(world.engines.ledger), log), { keys: [], witnessKeys: [], cosignersMin: 0 });
      return report.trees.filter(({ topic }) => topic === 'content').flatMap((tree) => tree.findings);
    };

    test('a changed blob is found, with segment and offsets', async () => {
      const { blobs, sealedLog } = world.engines;
      const changed = Object.create(blobs, {
        read: {
          value: async (...args: Parameters<typeof blobs.read>) => {
            const bytes = await blobs.read(...args);
            return args[1]?.first === 4 ? bytes.with(60, (bytes[60] as number) ^ 1) : bytes;
          },
        },
      }) as typeof blobs;
      const found = await findings(new SealedEventLog({}, { hot: sealedLog.hot, blobs: () => Promise.resolve(changed) }));
      expect(found).toEqual([
        expect.objectContaining({
          kind: 'records-damaged',
          message: expect.stringMatching(/Sealed segment 1 of content\/\d+ \(offsets 0 to before 300\) is damaged/),
        }),
      ]);
    });

    test('a blob overwritten on the disk is found through a gateway that has read it before, and readers are told', async () => {
      const { sealedLog } = world.engines;
      const [cid, partition] = await sealedBlob();
      const api = new ApiClient({ url: gateway.url, key: headers.authorization.replace('Bearer ', '') });
      const audited = async (): Promise<readonly object[]> => {
        const report = await audit(await apiLedger(api, { records: true, warn: () => undefined }), { keys: [], witnessKeys: [], cosignersMin: 0 });
        return report.trees.flatMap(({ findings }) => findings);
      };
      expect(await audited()).toEqual([]);
      const file = await blobFile(cid);
      const whole = await readFile(file);
      await writeFile(file, Buffer.from(whole).fill(0xee, 60, 124));
      try {
        const message = expect.stringMatching(
          new RegExp(`content/${partition}: the records cannot be read: Sealed segment 1 of content/${partition} \\(.*is damaged`),
        );
        expect(await audited()).toEqual([expect.objectContaining({ kind: 'records-damaged', message })]);
        // As after a restart: nothing is remembered.
        const again = await startGateway({ ...world.engines, log: sealedLog.asStored() }, world.consolePath);
        try {
          const listed = await fetch(`${again.url}/api/v1/events?context=content`, { headers });
          expect([listed.status, ((await listed.json()) as { type: string }).type]).toEqual([503, 'urn:streams:problem:sealed-segment-damaged']);
          const search = await fetch(`${again.url}/api/v1/events/search?context=content`, { headers });
          expect([search.status, ((await search.json()) as { type: string }).type]).toEqual([503, 'urn:streams:problem:sealed-segment-damaged']);
          const stream = await fetch(`${again.url}/api/v1/events/stream?context=content&from=beginning`, { headers });
          expect(await stream.text()).toContain('urn:streams:problem:sealed-segment-damaged');
          expect((await fetch(`${again.url}/api/v1/events?type=recording.finished`, { headers })).status).toBe(200);
        } finally {
          await again.stop();
        }
      } finally {
        await writeFile(file, whole);
      }
    });

    test('a segment that was written anew, with its catalogue, is found: the record that is another one is named', async () => {
      const { blobs, sealedLog, log } = world.engines;
      const at = (await sealedLog.allSealed()).find(({ topic }) => topic === 'content');
      const partition = at?.partition ?? -1;
      // Whoever can write the log's file and the blob store seals an altered past, entry and all, in the place of the true one.
      const entries: object[] = [];
      const forged = Object.create(sealedLog.hot, {
        heads: { value: async (topic: string) => (await sealedLog.hot.heads(topic)).map((head) => (topic === 'content' ? { ...head, low: 0n } : head)) },
        ensureTopic: { value: async () => undefined },
        identity: { value: () => sealedLog.hot.identity() },
        append: { value: async (_topic: string, records: readonly object[]) => void entries.push(...records) },
        read: {
          value: async (...args: Parameters<EventLog['read']>) => {
            if (args[0] === 'streams.sealed')
              return {
                records: entries.slice(Number(args[2])).map((one, n) => ({ ...one, offset: args[2] + BigInt(n) })),
                next: BigInt(entries.length),
                high: BigInt(entries.length),
              };
            const batch = await log.read(...args);
            return { ...batch, records: batch.records.map((one) => (one.offset === 41n ? { ...one, value: one.value.replace('origin', 'evil') } : one)) };
          },
        },
      }) as EventLog;
      const thief = new SealedEventLog({}, { hot: forged, blobs: () => Promise.resolve(blobs) });
      const bounds = { recordsMax: 1000, charactersMax: 1e9, nowMs: 0, leafOf: async () => 0, prove: async () => undefined };
      await thief.sealer(9n, nodeLedgerHash).seal({ topic: 'content', partition, until: 300n, ...bounds });
      const replaced = Object.create(sealedLog.hot, {
        heads: { value: (topic: string) => sealedLog.hot.heads(topic) },
        read: { value: (...args: Parameters<EventLog['read']>) => (args[0] === 'streams.sealed' ? forged.read(...args) : sealedLog.hot.read(...args)) },
      }) as EventLog;
      const found = await findings(new SealedEventLog({}, { hot: replaced, blobs: () => Promise.resolve(blobs) }));
      expect(found).toEqual([expect.objectContaining({ kind: 'altered', index: 41, offset: '41', eventId: 'e-41' })]);
    });
  });

  test('a bundle says from which record on it holds them, once retention has removed those before', async () => {
    const { sealedLog } = world.engines;
    const at = (await sealedLog.allSealed()).find(({ topic }) => topic === 'content');
    const [topic, partition] = ['content', at?.partition ?? -1];
    await sealedLog.truncate(topic, partition, 100n);
    const api = new ApiClient({ url: gateway.url, key: headers.authorization.replace('Bearer ', '') });
    const bundle = await mkdtemp(join(tmpdir(), 'held-'));
    try {
      await exportLedger({ api, print: () => undefined, write: () => undefined, isJson: false }, bundle, { records: true });
      const check = async (): Promise<AuditReport> => audit(await openBundle(bundle), { keys: [], witnessKeys: [], cosignersMin: 0 });
      const report = await check();
      expect(report.trees.flatMap(({ findings }) => findings)).toEqual([]);
      expect(report.trees.find((tree) => tree.topic === topic)).toMatchObject({ size: count, compared: count - 100 });
      expect(parseHolding(await readFile(join(bundle, topic, String(partition), 'holding'), 'utf8')).held).toEqual({
        firstLeaf: 100,
        firstOffset: 100n,
        lastOffset: BigInt(count - 1),
      });
      // Less than that is less than was signed.
      const file = join(bundle, topic, String(partition), 'records', '000');
      await writeFile(file, encodeBundle([...decodeBundle(new Uint8Array(await readFile(file)))].slice(1)));
      expect((await check()).trees.flatMap(({ findings }) => findings)).toEqual([expect.objectContaining({ kind: 'dropped', index: 100 })]);
    } finally {
      await rm(bundle, { recursive: true });
    }
  });
});
