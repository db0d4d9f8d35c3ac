import { describe, expect, test } from '@jest/globals';
import { edgeAudienceReported, edgeRegistered, edgeReported, noLoad, plainEdge, type DomainEvent, type DraftEvent } from '#events';
import { foldChanges, wholeStampGroups } from '#kernel';
import fc from 'fast-check';
import { edgeDecider, type RegisterEdge } from './edge.decider.ts';
import { audiencesProjection, viewersOf } from './audience.projection.ts';
import { edgesProjection } from './edge.projection.ts';
import { hitRatio, originOffload } from './hit-ratio.core.ts';

const known = plainEdge({ edgeId: 'edge-1', url: 'http://edge-1.example:8081', region: 'eu', memoryBytesMax: 1024 });
const register: RegisterEdge = { type: 'RegisterEdge', ...known };
const registered = edgeRegistered.draft(known);

describe('announcing an edge', () => {
  const { initialState, decide, evolve } = edgeDecider;

  test('once is enough, a change is told again', () => {
    expect(decide(register, initialState)).toEqual({ refused: false, events: [registered] });
    const state = evolve(initialState, registered);
    expect(decide(register, state)).toEqual({ refused: false, events: [] });
    expect(decide({ ...register, region: 'us' }, state).events).toHaveLength(1);
    expect(decide({ ...register, anew: true }, state).events).toEqual([registered]);
  });

  test.each(['edge-1', 'ftp://h', 'http://h/path', 'http://h?q'])('%s is not the URL of an edge', (url) => {
    expect(decide({ ...register, url }, initialState)).toEqual(expect.objectContaining({ refused: true, code: 'invalid-url' }));
  });
});

describe('the edges projection', () => {
  let made = 0;
  const event = (draft: DraftEvent, time: number): DomainEvent => ({ ...draft, id: `e-${made++}`, time }) as unknown as DomainEvent;
  const report = (incarnation: number, requests: number, objects: number, time: number): DomainEvent => {
    const rest = {
      hits: requests - 1,
      misses: 1,
      collapsed: 0,
      originFetches: 1,
      originErrors: 0,
      bytesServed: requests * 10,
      bytesFromOrigin: 10,
      memoryBytes: objects * 5,
      ...noLoad,
    };
    return event(edgeReported.draft({ edgeId: 'edge-1', incarnation, requests, objects, ...rest }), time);
  };
  const all = [
    event(registered, 1000),
    event(edgeRegistered.draft({ ...known, url: 'http://elsewhere.example', region: 'us', memoryBytesMax: 2048 }), 2000),
    event(edgeRegistered.draft({ ...known, url: 'http://same-moment.example', region: 'us', memoryBytesMax: 1 }), 1000),
    report(5000, 10, 4, 6000),
    report(5000, 20, 2, 7000),
    report(8000, 3, 1, 9000),
  ];
  const rows = (events: readonly DomainEvent[]) =>
    foldChanges(
      edgesProjection.tables,
      events.flatMap((each) => edgesProjection.project(each)),
    );

  test('counters never shrink, gauges and settings are the last, in every order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const changes = rows([...shuffled, ...repeated]);
        expect(changes.find((change) => change.table === 'edge')?.set).toMatchObject({
          url: 'http://elsewhere.example',
          region: 'us',
          memory_bytes_max: 2048n,
          registered_at_ms: 2000n,
        });
        expect(changes.find((change) => change.key['incarnation'] === 5000n)?.set).toEqual(
          expect.objectContaining({ requests: 20, hits: 19, objects: 2, memory_bytes: 10, reported_at_ms: 7000, prefetched: 0, foreseen: 0 }),
        );
        expect(changes).toHaveLength(3);
      }),
    );
  });

  test('what was fetched ahead is summed up, and what a model foresaw by itself; no sum leaves what a number holds', () => {
    const [first] = edgeReported.samples.slice(-1) as [Parameters<typeof edgeReported.draft>[0]];
    const most = Number.MAX_SAFE_INTEGER;
    const prefetch = [
      { source: 'manifest' as const, fetched: 7, used: 5, wasted: 1, bytes: most },
      { source: 'model' as const, fetched: 4, used: 3, wasted: 1, bytes: 10 },
    ];
    const [row] = rows([event(edgeReported.draft({ ...first, prefetch }), 1)]);
    expect(row?.set).toMatchObject({ prefetched: 11, prefetched_used: 8, prefetched_wasted: 2, prefetched_bytes: most });
    expect(row?.set).toMatchObject({ foreseen: 4, foreseen_used: 3, foreseen_wasted: 1 });
  });

  test('an edge of another region is another edge, whatever its name', () => {
    const copies = all.map((one) => ({ ...one, origin: 'south' }));
    const changes = rows([...all, ...copies]);
    expect(changes.map(({ key }) => key['origin'])).toEqual(expect.arrayContaining(['', 'south']));
    for (const origin of ['', 'south']) {
      const mine = changes.filter(({ key }) => key['origin'] === origin);
      expect(mine.map(({ set }) => set)).toEqual(rows(all).map(({ set }) => set));
    }
  });

  test('two settings of one millisecond have an order too', () => {
    const pair = [all[0], all[2]] as DomainEvent[];
    expect(rows(pair)).toEqual(rows(pair.toReversed()));
  });

  test('no change leaves out a column of a stamp group', () => {
    for (const change of all.flatMap((each) => edgesProjection.project(each))) {
      expect(edgesProjection.tables.filter(({ name }) => name === change.table).flatMap((table) => wholeStampGroups(table, change))).toEqual([]);
    }
  });
});

describe('ratios', () => {
  const counters = (requests: number, hits: number, collapsed = 0, originFetches = requests - hits - collapsed) => ({
    requests,
    hits,
    collapsed,
    originFetches,
  });

  test.each([
    ['no edges', [], null, null],
    ['no requests', [counters(0, 0)], null, null],
    ['over several processes', [counters(60, 50), counters(100, 90, 5)], 145 / 160, 1 - 15 / 160],
    ['read while they grow', [counters(9, 10, 0, 12)], 1, 0],
  ])('%s', (_what, all, ratio, offload) => {
    expect(hitRatio(all)).toBe(ratio);
    expect(originOffload(all)).toBe(offload);
  });
});

describe('the audience of a stream', () => {
  const counts = { region: '', joined: { 'edge-1/100': 7, 'edge-1/200': 3, 'edge-2/150': 5 }, left: { 'edge-1/100': 2, 'edge-2/150': 5 }, heardAtMs: {} };

  test('who came and has not left, at the processes that still speak', () => {
    const heardAtMs = { 'edge-1/100': 1000, 'edge-1/200': 50_000, 'edge-2/150': 60_000 };
    expect(viewersOf([{ ...counts, heardAtMs }], 60_000)).toEqual({ viewers: 3, byEdge: { 'edge-1': 3, 'edge-2': 0 } });
    expect(viewersOf([{ ...counts, heardAtMs }], 900_000)).toEqual({ viewers: 0, byEdge: {} });
    const south = { region: 'south', joined: { 'edge-1/200': 9 }, left: {}, heardAtMs };
    expect(viewersOf([{ ...counts, heardAtMs }, south], 60_000)).toEqual({ viewers: 12, byEdge: { 'edge-1': 3, 'edge-2': 0, 'south/edge-1': 9 } });
  });

  test('reports of a process merge in any order', () => {
    const report = (joined: number, left: number, time: number): DomainEvent =>
      ({ ...edgeAudienceReported.draft({ edgeId: 'edge-1', incarnation: 1, streams: [{ streamId: 'st-a', joined, left }] }), time }) as never;
    const events = [report(3, 0, 10), report(5, 2, 30), report(4, 1, 20)];
    const rows = (some: readonly DomainEvent[]): unknown =>
      foldChanges(
        audiencesProjection.tables,
        some.flatMap((event) => audiencesProjection.project(event)),
      );
    expect(rows(events)).toEqual(rows(events.toReversed()));
    expect(JSON.stringify(rows(events), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))).toContain('"joined":{"edge-1/1":5}');
  });
});
