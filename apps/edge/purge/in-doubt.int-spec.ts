import { MemoryEventLog } from '#adapters/memory';
import { encodeEvent, purgePolicySet, purgeRequested, topicPartitions, zoneConfigured, type PurgePolicy } from '#events';
import { OperatingError } from '#kernel';
import type { EventLog } from '#ports';
import { createLogger } from '#runtime';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEdgeCache, type EdgeCache } from '../cache/edge-cache.ts';
import { EdgeCounters } from '../edge-counters.ts';
import { edgeLimits } from '../edge.constants.ts';
import { temporaryFolder, until } from '../edge.fixture.ts';
import { StandingBook } from '../fleet/standing-book.ts';
import { AddressGuard } from '../origin/address-guard.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import { keepOnNode } from '../server/node-server.adapter.ts';
import { notTunnelled, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { OffsetsFile } from '../state/offsets.file.ts';
import { ZoneKeeper } from '../zones/zone-keeper.ts';
import { ZoneMaker } from '../zones/zone-maker.ts';
import { ZoneTail } from '../zones/zone-tail.ts';
import { ZonesFile } from '../zones/zones.file.ts';
import { DoubtPolicies } from './doubt-policies.ts';
import { PurgeTail } from './purge-tail.ts';

let ids = 0;

function record(type: string, version: number, key: string, tenant: string, data: unknown) {
  const about = { id: `e${++ids}`, type, version, source: '/test', subject: key, key, tenant, time: 0, correlationId: 'c', causationId: 'c' };
  return encodeEvent({ ...about, traceparent: '', actor: 'key:test', streamVersion: 1n, producerEpoch: 0n, data });
}

/** An edge without its server: the tails, the zones and the cache, over a log from which it can be cut off. */
class CutEdge {
  readonly log = new MemoryEventLog({ now: () => Date.now() } as never);
  readonly policies: DoubtPolicies;
  asked = 0;
  isAway = false;
  originFails = false;
  purge: PurgeTail | undefined;
  cache: EdgeCache | undefined;
  /** How far its clock is ahead, ms. */
  ahead = 0;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(otherwise: PurgePolicy) {
    this.policies = new DoubtPolicies(otherwise, edgeLimits.doubtFreshMs);
  }

  async start(path: string): Promise<void> {
    const now = (): number => Date.now() + this.ahead;
    for (const topic of ['cache', 'zone']) await this.log.ensureTopic(topic, topicPartitions);
    const logger = await createLogger({ name: 'test', node: 'n', logFormat: 'json', logLevel: 'silent' });
    const client: OriginClient = { request: async () => this.#answer(), close: async () => undefined };
    const common = { counters: new EdgeCounters(), now };
    this.cache = createEdgeCache(
      { edgeId: 'edge-1', memoryBytesMax: 1_000_000 },
      {
        ...{ ...common, client, keep: keepOnNode, bytesOf: async () => new Uint8Array(0), local: () => undefined },
        trust: (tenant) => this.policies.trust(tenant, now() - (this.purge?.knownUntilMs ?? 0) <= edgeLimits.purgeDoubtAfterMs),
        onError: (error) => {
          throw error;
        },
      },
    );
    const onFatal = (error: unknown): void => {
      throw error;
    };
    const guard = new AddressGuard({ privateAddresses: true });
    const maker = new ZoneMaker({ ...common, edgeId: 'edge-1', cache: this.cache, connect: async () => client, guard });
    const keeper = new ZoneKeeper({ table: this.cache.zones, maker, logger });
    const log = this.#cuttable();
    const file = new ZonesFile(join(path, 'zones.json'));
    const zones = new ZoneTail({ waitMs: 20 }, { log, keeper, book: new StandingBook([]), policies: this.policies, file, logger, onFatal });
    const offsets = new OffsetsFile(join(path, 'offsets.json'), 'cache');
    this.purge = new PurgeTail(
      { edgeId: 'edge-1', waitMs: 20 },
      { ...{ log, purger: this.cache.purger, offsets, logger, now, onFatal }, acknowledge: async () => undefined, onCountRequested: () => undefined },
    );
    await zones.catchUp(this.#stop.signal);
    await this.purge.catchUp(this.#stop.signal);
    this.#running.push(zones.run(this.#stop.signal), this.purge.run(this.#stop.signal));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.log.close();
  }

  /** The log cannot be read any more, and the time passes after which that counts. */
  cut(): void {
    this.isAway = true;
    this.ahead += 10_000;
  }

  /** It is there again, and was read to its end by the clock of now. */
  async back(): Promise<void> {
    this.isAway = false;
    const now = Date.now() + this.ahead;
    await until(() => (this.purge?.knownUntilMs ?? 0) >= now);
  }

  async get(path: string, host = 'www.acme.example', method = 'GET'): Promise<EdgeReply> {
    const fields: Record<string, string> = { host };
    const request: EdgeRequest = {
      ...{ method, target: path, field: (name) => fields[name], fields: () => Object.entries(fields), contentLength: undefined, version: '1.1' },
      ...{ hasBody: false, clientAddress: '127.0.0.1', scheme: 'http', gone: new AbortController().signal, body: () => undefined },
      ...{ allowSilence: () => undefined, tunnel: async () => notTunnelled },
    };
    return (this.cache as EdgeCache).handler(request);
  }

  #answer(): Awaited<ReturnType<OriginClient['request']>> {
    this.asked++;
    if (this.originFails) throw new Error('down');
    return { status: 200, fields: [['cache-control', 'max-age=600, stale-if-error=600']], body: null };
  }

  #cuttable(): EventLog {
    const away = (): OperatingError => new OperatingError('the log is away', { code: 'LOG_AWAY', retryable: true });
    return new Proxy<EventLog>(this.log, {
      get: (log, name) => {
        const member = Reflect.get(log, name) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => (this.isAway ? Promise.reject(away()) : Reflect.apply(member, log, args));
      },
    });
  }
}

describe('an edge that is cut off from the log', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let edge: CutEdge;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  afterEach(async () => {
    await edge.stop();
    await folder.remove();
  });

  const begin = async (otherwise: PurgePolicy = 'revalidate'): Promise<void> => {
    edge = new CutEdge(otherwise);
    await edge.start(folder.path);
    const configuration = { hosts: ['www.acme.example'], origins: [{ url: 'http://127.0.0.1:1' }] };
    const data = { zoneId: 'zn-1', name: 'shop', zoneVersion: 1, epoch: 1, configuration, shieldUrl: null, reason: '', rolledBackTo: null };
    await edge.log.append('zone', [record(zoneConfigured.type, zoneConfigured.version, 'zn-1', 'acme', data)]);
    await until(() => edge.cache?.zones.get('zn-1') !== undefined);
  };
  const prefer = async (policy: PurgePolicy | null, tenant = 'acme'): Promise<void> => {
    const data = { owner: tenant, policy, reason: '' };
    await edge.log.append('zone', [record(purgePolicySet.type, purgePolicySet.version, `purge-policy:${tenant}`, tenant, data)]);
    await until(() => edge.policies.all.find((one) => one.tenant === tenant)?.policy === (policy ?? undefined));
  };
  const seen = (reply: EdgeReply): string => `${reply.head.status} ${Object.fromEntries(reply.head.fields)['cache-status']}`;

  test('asks the origin about what it has where nobody prefers anything else', async () => {
    await begin();
    await edge.get('/a');
    edge.cut();
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; fwd=stale/);
    expect(edge.asked).toBe(2);
  });

  test('serves it, marked, to tenants that prefer it so, also where the origin fails; others are not touched by that', async () => {
    await begin();
    await prefer('serve');
    await edge.get('/a');
    await edge.get('/media/a.m4s', 'media.example');
    edge.cut();
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; hit; ttl=\d+; detail=purges-unknown$/);
    expect(seen(await edge.get('/media/a.m4s', 'media.example'))).toMatch(/^200 edge-1; fwd=stale/);
    edge.ahead += 700_000;
    edge.originFails = true;
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; fwd=stale; .*detail=origin-failed$/);
    await edge.back();
    edge.originFails = false;
    edge.ahead += 1100;
    await edge.back();
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; fwd=stale; fwd-status=200/);
    expect(seen(await edge.get('/a'))).not.toContain('purges-unknown');
  });

  test('answers 503 with a problem and when to come back to tenants that prefer that, to all that the cache would answer', async () => {
    await begin();
    await prefer('refuse');
    await edge.get('/a');
    edge.cut();
    const asked = edge.asked;
    for (const path of ['/a', '/never-seen']) {
      const reply = await edge.get(path);
      expect(seen(reply)).toBe('503 edge-1; fwd=bypass; detail=purges-unknown');
      expect(Object.fromEntries(reply.head.fields)).toMatchObject({ 'retry-after': '5', 'content-type': expect.stringContaining('problem+json') });
      expect(JSON.parse(new TextDecoder().decode(reply.body as Uint8Array))).toMatchObject({ status: 503, type: 'urn:streams:problem:unavailable' });
    }
    expect(edge.asked).toBe(asked);
    // What goes to the origin in any case still does.
    expect((await edge.get('/order', 'www.acme.example', 'POST')).head.status).toBe(200);
    await edge.back();
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; hit/);
  });

  test('what was purged meanwhile is gone when the log is back, whatever was preferred', async () => {
    await begin('serve');
    await edge.get('/a');
    edge.cut();
    expect(seen(await edge.get('/a'))).toContain('purges-unknown');
    const data = { purgeId: 'p1', urls: ['http://www.acme.example/a'], reason: '' };
    await edge.log.append('cache', [record(purgeRequested.type, 1, 'p1', 'acme', data)]);
    await edge.back();
    expect(seen(await edge.get('/a'))).toMatch(/^200 edge-1; fwd=uri-miss/);
  });

  test('knows what was preferred after a restart without the log’s past', async () => {
    await begin();
    await prefer('refuse');
    await until(async () => (await readFile(join(folder.path, 'zones.json'), 'utf8').catch(() => '')).includes('refuse'));
    const stored = await new ZonesFile(join(folder.path, 'zones.json')).load(topicPartitions);
    expect(stored?.policies).toEqual([{ tenant: 'acme', policy: 'refuse' }]);
    await prefer(null);
    expect(edge.policies.all).toEqual([]);
  });
});
