import { describe, expect, test } from '@jest/globals';
import { MemoryEventLog, MemoryProjectionBuilds, MemoryProjectionStore, ManualClock } from '#adapters/memory';
import { edgeReported, encodeEvent, noLoad, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import type { Projection } from '#kernel';
import { buildEnds, buildStarts, isWhole } from './build-starts.ts';
import { BulkLoad, type BulkLoadInit } from './bulk-load.ts';
import { foldBetween } from './read-between.ts';
import { ReplayProgress } from './replay-progress.ts';

const whole = { fromMs: null, untilMs: null, partitions: null };

const counts: Projection<DomainEvent> = {
  ...{ name: 'counts', version: 1, contexts: ['edge'], handles: [edgeReported.type], ignores: [] },
  tables: [{ name: 'count', key: { edge: 'text' }, columns: { requests: { type: 'bigint', join: 'max' } } }],
  project: (event) =>
    event.type === edgeReported.type ? [{ table: 'count', key: { edge: event.data.edgeId }, set: { requests: BigInt(event.data.requests) } }] : [],
};

function report(edgeId: string, requests: number): LogRecord {
  const zero = {
    hits: 0,
    misses: 0,
    collapsed: 0,
    originFetches: 0,
    originErrors: 0,
    bytesServed: 0,
    bytesFromOrigin: 0,
    objects: 0,
    memoryBytes: 0,
    ...noLoad,
  };
  const data = { edgeId, incarnation: 1, requests, ...zero };
  const id = `e-${edgeId}-${requests}`;
  const ids = { id, correlationId: id, causationId: id, traceparent: '', actor: 'system:test', tenant: 'default', source: '/test' };
  const place = { key: edgeReported.key(data), subject: edgeReported.subject(data), streamVersion: BigInt(requests + 1), producerEpoch: 1n };
  return encodeEvent({ ...ids, ...place, type: edgeReported.type, version: edgeReported.version, time: requests, data });
}

async function world(events: number, edges: number) {
  const clock = new ManualClock();
  const log = new MemoryEventLog(clock);
  await log.ensureTopic('edge', topicPartitions);
  for (let at = 0; at < events; at++) await log.append('edge', [report(`edge-${at % edges}`, at)]);
  const builds = new MemoryProjectionBuilds(new MemoryProjectionStore(clock), clock);
  const claim = { id: 'rp-test', projection: counts, epoch: 1n };
  const loader = async (init: Partial<BulkLoadInit> = {}): Promise<BulkLoad> => {
    const view = await builds.create({ ...claim, starts: await buildStarts(log, ['edge'], whole), whole: true });
    return new BulkLoad({ claim, positions: view.positions, partitionsMax: 3, eventsPerSecondMax: 0, ...init }, { log, builds, progress });
  };
  const progress = new ReplayProgress([]);
  const folded = async (): Promise<number> => ((await builds.show(claim.id))?.positions ?? []).reduce((sum, { position }) => sum + Number(position), 0);
  return { clock, log, builds, claim, loader, progress, folded };
}

const running = new AbortController().signal;

describe('a bulk load', () => {
  test('carries the log into the build, wave by wave, and what arrives later by the next call', async () => {
    const { log, loader, progress, folded } = await world(120, 7);
    const load = await loader({ waveRecordsMax: 10 });
    expect(await load.left()).toBe(120);
    expect(await load.run(running)).toBe(true);
    expect([progress.records, await folded(), await load.left()]).toEqual([120, 120, 0]);
    await log.append('edge', [report('edge-1', 500)]);
    expect(await load.run(running)).toBe(true);
    expect(await folded()).toBe(121);
  });

  test('stops behind a whole wave, and another goes on from there', async () => {
    const { loader, folded, builds, claim, progress } = await world(200, 50);
    const stop = new AbortController();
    const load = builds.load.bind(builds);
    builds.load = async (one) => {
      await load(one);
      stop.abort();
    };
    expect(await (await loader({ waveRowsMax: 5 })).run(stop.signal)).toBe(false);
    const stood = await folded();
    expect(stood).toBeGreaterThan(0);
    expect(stood).toBeLessThan(200);
    builds.load = load;
    expect(await (await loader()).run(running)).toBe(true);
    expect([await folded(), progress.records]).toEqual([200, 200]);
    expect((await builds.show(claim.id))?.positions).toHaveLength(topicPartitions);
  });

  test('fails with what the store or the projection failed with, and what was loaded stays', async () => {
    const { loader, builds, log } = await world(30, 3);
    builds.load = () => Promise.reject(new RangeError('disk'));
    await expect((await loader({ waveRecordsMax: 4 })).run(running)).rejects.toThrow('disk');
    await expect(
      foldBetween(log, { ...counts, handles: [] })([{ topic: 'edge', partition: (await busy(log))[0] as number, from: 0n, to: 1n }]),
    ).rejects.toMatchObject({ code: 'EVENT_UNHANDLED' });
  });

  test('goes to its ends, and folds between two positions exactly', async () => {
    const { log, loader, folded } = await world(60, 1);
    const [partition] = await busy(log);
    const load = await loader({ ends: new Map([[`edge/${partition}`, 25n]]) });
    await load.run(running);
    expect(await folded()).toBe(25);
    const changes = await foldBetween(log, counts)([{ topic: 'edge', partition: partition as number, from: 10n, to: 20n }]);
    expect(changes).toEqual([expect.objectContaining({ set: { requests: 19n } })]);
  });

  test('leaves out what was discarded, and counts it', async () => {
    const { log, loader, progress } = await world(20, 1);
    const [partition] = await busy(log);
    const leftOut = new Set([`edge/${partition}/19`]);
    const load = await loader({ leftOut });
    await load.run(running);
    expect([progress.records, progress.skipped]).toEqual([20, 1]);
    const moves = [{ topic: 'edge', partition: partition as number, from: 10n, to: 20n }];
    const changes = await foldBetween(log, counts, { leftOut })(moves);
    expect(changes).toEqual([expect.objectContaining({ set: { requests: 18n } })]);
  });

  test('passes over what can never be read, and counts it', async () => {
    const { log, loader, folded, progress } = await world(5, 1);
    const broken = report('edge-0', 9);
    await log.append('edge', [{ ...broken, value: '{"no":1}' }]);
    await (await loader()).run(running);
    expect([await folded(), progress.records, progress.skipped]).toEqual([6, 6, 1]);
  });
});

async function busy(log: MemoryEventLog): Promise<readonly number[]> {
  return (await log.heads('edge')).filter(({ high }) => high > 0n).map(({ partition }) => partition);
}

describe('where a replay begins and ends', () => {
  test('in time, and in some partitions', async () => {
    const { log, clock } = await world(10, 1);
    const [partition] = await busy(log);
    clock.advance(1000);
    const later = clock.now();
    await log.append('edge', [report('edge-0', 11)]);
    const window = { fromMs: later, untilMs: later, partitions: [partition as number] };
    const starts = await buildStarts(log, ['edge'], window);
    expect(starts).toEqual([{ topic: 'edge', partition, first: 10n }]);
    expect(await buildEnds(log, starts, window)).toEqual(new Map([[`edge/${partition}`, 10n]]));
    expect(await buildEnds(log, starts, whole)).toBeUndefined();
    expect([isWhole(whole), isWhole(window), isWhole({ ...whole, partitions: [1] })]).toEqual([true, false, false]);
  });
});

describe('progress', () => {
  test('tells rate and time left of the last seconds', () => {
    const progress = new ReplayProgress([{ topic: 'edge', partition: 0, first: 10n, position: 60n, skipped: 2, poisoned: [] }]);
    expect(progress.look(100, 0)).toEqual({ done: 50, total: 150, eventsPerSecond: 0, etaMs: null, skipped: 2, atMs: 0 });
    progress.add(50, 1);
    expect(progress.look(50, 1000)).toEqual({ done: 100, total: 150, eventsPerSecond: 50, etaMs: 1000, skipped: 3, atMs: 1000 });
    for (let at = 2; at <= 9; at++) progress.look(50, at * 1000);
    expect(progress.look(50, 10_000)).toMatchObject({ eventsPerSecond: 0, etaMs: null });
    expect(progress.look(0, 11_000)).toMatchObject({ done: 100, total: 100, etaMs: 0 });
  });
});
