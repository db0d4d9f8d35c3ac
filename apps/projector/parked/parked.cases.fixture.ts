import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import type { EventLog } from '#ports';
import { ParkedWorld, refused, report, thrown } from './parked-world.fixture.ts';

/** Names of edges, all of one partition. */
function edgesOf(first: string, count: number): readonly string[] {
  const partition = partitionOf(first, topicPartitions);
  return [first, ...Array.from({ length: 400 }, (_, at) => `${first}-${at}`).filter((name) => partitionOf(name, topicPartitions) === partition)].slice(
    0,
    count,
  );
}

/** From a poisoned event to its redrive, by everything that takes part in it, on a real log and a real PostgreSQL. */
export function parkedCases(openLog: () => Promise<EventLog>, startTimeoutMs: number): void {
  let world: ParkedWorld;

  beforeAll(async () => {
    world = await ParkedWorld.open(await openLog());
  }, startTimeoutMs);

  afterAll(() => world?.close());

  const waiting = async (edge: string): Promise<number | undefined> => (await world.parked.list({ key: edge, limit: 10 }))[0]?.held;
  const stateOf = async (offset: bigint): Promise<unknown> => (await world.rows()).find((row) => row['record_offset'] === offset)?.['state'];
  /** What the read model tells of the event at a place in the edge's partition. */
  const stateAt = (edge: string, offset: bigint | undefined) => async (): Promise<unknown> => {
    const partition = partitionOf(edge, topicPartitions);
    return (await world.rows()).find((row) => row['partition'] === partition && row['record_offset'] === offset)?.['state'];
  };

  test('a poisoned event is parked, on record, and redriven with what waited behind it', async () => {
    const [poisoned, neighbour] = edgesOf('edge-a', 2) as [string, string];
    const [place] = await world.log.append('edge', [report(poisoned, 1, thrown), report(neighbour, 1), report(poisoned, 2), report(neighbour, 2)]);
    const offset = place?.offset ?? -1n;
    await world.start();
    await world.until(async () => (await world.taken(neighbour)).length === 2 && (await stateOf(offset)) === 'parked');
    expect(await world.taken(poisoned)).toEqual([]);
    const row = (await world.rows()).find((one) => one['record_offset'] === offset);
    expect(row).toMatchObject({ consumer: 'told@1', code: 'PROJECTION_FAILED', attempts: 3, stack: expect.stringContaining('cannot count to 666') });
    // It fails again: it stays, and the row says so.
    await world.ask('retry', offset, poisoned);
    await world.until(async () => (await world.rows()).some((one) => one['record_offset'] === offset && one['attempts'] === 4));
    expect(await stateOf(offset)).toBe('parked');
    // Another host takes over, with code that is mended.
    world.breakage.throws = false;
    await world.start();
    await world.log.append('edge', [report(poisoned, 3)]);
    await world.until(async () => (await waiting(poisoned)) === 2);
    await world.ask('retry', offset, poisoned);
    await world.until(async () => (await stateOf(offset)) === 'redriven');
    expect(await world.taken(poisoned)).toEqual([1, 2, 3]);
    await world.log.append('edge', [report(poisoned, 4)]);
    await world.until(async () => (await world.taken(poisoned)).length === 4);
    expect(await world.parked.list({ key: poisoned, limit: 10 })).toEqual([]);
  }, 60_000);

  test('where keys were left out and redriven, the same host parks the next one', async () => {
    const [left, redriven, next] = edgesOf('edge-d', 3) as [string, string, string];
    const partition = partitionOf(left, topicPartitions);
    const stateIn = async (offset: bigint): Promise<unknown> =>
      (await world.rows()).find((row) => row['partition'] === partition && row['record_offset'] === offset)?.['state'];
    world.breakage.throws = true;
    await world.start();
    const of = (edge: string) => [report(edge, 1, thrown), report(edge, 2), report(edge, 3)];
    const [first, , , second] = await world.log.append('edge', [...of(left), ...of(redriven)]);
    const [one, two] = [first?.offset ?? -1n, second?.offset ?? -1n];
    await world.until(async () => (await stateIn(one)) === 'parked' && (await stateIn(two)) === 'parked');
    await world.ask('discard', one, left);
    await world.until(async () => (await stateIn(one)) === 'discarded');
    world.breakage.throws = false;
    await world.ask('retry', two, redriven);
    await world.until(async () => (await stateIn(two)) === 'redriven');
    world.breakage.throws = true;
    const [third] = await world.log.append('edge', [report(next, 1, thrown)]);
    await world.until(async () => (await stateIn(third?.offset ?? -1n)) === 'parked');
    expect([await world.taken(left), await world.taken(redriven), await world.taken(next)]).toEqual([[2, 3], [1, 2, 3], []]);
  }, 60_000);

  test('a row that PostgreSQL refuses is found among many, and can be left out', async () => {
    const [poisoned, ...others] = edgesOf('edge-b', 20) as [string, ...string[]];
    const many = others.flatMap((edge) => [report(edge, 1), report(edge, 2)]);
    const bad = report(poisoned, 2, refused);
    const places = await world.log.append('edge', [report(poisoned, 1), ...many.slice(0, 19), bad, ...many.slice(19), report(poisoned, 3)]);
    const offset = places[20]?.offset ?? -1n;
    await world.start();
    await world.until(async () => (await stateOf(offset)) === 'parked' && (await waiting(poisoned)) === 1);
    for (const edge of others) await world.until(async () => (await world.taken(edge)).length === 2);
    expect(await world.taken(poisoned)).toEqual([1]);
    expect((await world.rows()).find((one) => one['record_offset'] === offset)).toMatchObject({ code: 'DATABASE_VALUE_INVALID', state: 'parked' });
    await world.ask('discard', offset, poisoned);
    await world.until(async () => (await stateOf(offset)) === 'discarded');
    expect(await world.taken(poisoned)).toEqual([1, 3]);
    expect((await world.rows()).find((one) => one['record_offset'] === offset)).toMatchObject({ state_by: 'key:operator', state_note: 'tried' });
  }, 60_000);

  test('what was discarded is left out by what is compared and built afterwards, although the code can take it by then', async () => {
    const [poisoned] = edgesOf('edge-c', 1) as [string];
    world.breakage.throws = true;
    const places = await world.log.append('edge', [report(poisoned, 1), report(poisoned, 2, thrown), report(poisoned, 3)]);
    const offset = places[1]?.offset ?? -1n;
    await world.start();
    await world.until(async () => (await stateOf(offset)) === 'parked');
    // Whoever asks for a comparison now that the discard is asked for waits until it is done.
    await world.ask('discard', offset, poisoned);
    world.breakage.throws = false;
    world.breakage.refuses = false;
    expect(await world.replay('rp-compared', 'comparison')).toMatchObject({ status: 'compared' });
    expect(await stateOf(offset)).toBe('discarded');
    expect(await world.replay('rp-built', 'rebuild')).toMatchObject({ status: 'promoted' });
    expect(await world.taken(poisoned)).toEqual([1, 3]);
    expect(await world.taken('edge-b')).toEqual([1, 3]);
  }, 60_000);

  test('what was discarded is left out by a host that reads everything again, although the code can take it by then', async () => {
    const [poisoned] = edgesOf('edge-again', 1) as [string];
    const at = await world.log.append('edge', [report(poisoned, 1), report(poisoned, 2, thrown), report(poisoned, 3), report(poisoned, 4, thrown)]);
    const [first, second] = [at[1]?.offset ?? -1n, at[3]?.offset ?? -1n];
    world.breakage.throws = true;
    await world.start();
    await world.until(async () => (await stateAt(poisoned, first)()) === 'parked');
    await world.ask('discard', first, poisoned);
    await world.until(async () => (await stateAt(poisoned, second)()) === 'parked');
    await world.ask('discard', second, poisoned);
    await world.until(async () => (await stateAt(poisoned, second)()) === 'discarded');
    await world.beginAnew();
    world.breakage.throws = false;
    await world.start();
    await world.log.append('edge', [report(poisoned, 5)]);
    await world.until(async () => (await world.taken(poisoned)).includes(5));
    expect(await world.taken(poisoned)).toEqual([1, 3, 5]);
  }, 60_000);

  test('another tenant’s events of the same key go on; a redrive that is cut short by a kill keeps the order', async () => {
    const [shared] = edgesOf('edge-shared', 1) as [string];
    const of = (tenant: string, requests: number, hits = 1) => report(shared, requests, hits, tenant);
    world.breakage.throws = true;
    await world.start();
    const [first] = await world.log.append('edge', [of('acme', 1, thrown), of('beta', 101), of('acme', 2), of('beta', 102), of('acme', 3)]);
    const stateNow = stateAt(shared, first?.offset);
    await world.until(async () => (await waiting(shared)) === 2 && (await stateNow()) === 'parked');
    expect(await world.taken(shared)).toEqual([101, 102]);
    expect(await world.parked.list({ key: shared, limit: 10 })).toMatchObject([{ key: shared, tenant: 'acme', held: 2 }]);
    world.breakage.throws = false;
    world.breakage.seen.clear();
    const killed = world.killedAfter('redrive');
    await world.ask('retry', first?.offset ?? -1n, shared);
    await killed;
    await world.log.append('edge', [of('beta', 103), of('acme', 4)]);
    await world.start();
    await world.until(async () => (await stateNow()) === 'redriven' && (await world.taken(shared)).length === 7);
    expect([...world.breakage.seen].filter((requests) => requests < 100)).toEqual([1, 2, 3, 4]);
    expect([await world.taken(shared), await world.parked.list({ key: shared, limit: 10 })]).toEqual([[1, 2, 3, 4, 101, 102, 103], []]);
  }, 60_000);

  test('what a version parked that knew no tenants holds the key for all of them, and is redriven in the order of the log', async () => {
    const [shared] = edgesOf('edge-older', 1) as [string];
    const of = (tenant: string, requests: number, hits = 1) => report(shared, requests, hits, tenant);
    world.breakage.throws = true;
    world.breakage.refuses = true;
    await world.start();
    const [first] = await world.log.append('edge', [of('acme', 1, thrown)]);
    await world.until(async () => (await stateAt(shared, first?.offset)()) === 'parked');
    await world.stopHost();
    await world.parkedByOlderVersion();
    const later = [of('beta', 2), of('acme', 3), of('beta', 4, refused), of('acme', 5), of('beta', 6)];
    const heir = (await world.log.append('edge', later))[2]?.offset;
    await world.start();
    await world.until(async () => (await waiting(shared)) === 5);
    expect(await world.taken(shared)).toEqual([]);
    world.breakage.throws = false;
    world.breakage.seen.clear();
    await world.ask('retry', first?.offset ?? -1n, shared);
    await world.until(async () => (await stateAt(shared, first?.offset)()) === 'redriven' && (await stateAt(shared, heir)()) === 'parked');
    expect(await world.taken(shared)).toEqual([1, 2, 3]);
    expect(await world.parked.list({ key: shared, limit: 10 })).toMatchObject([{ offset: heir, tenant: undefined, held: 2 }]);
    world.breakage.refuses = false;
    await world.ask('retry', heir ?? -1n, shared);
    await world.until(async () => (await stateAt(shared, heir)()) === 'redriven');
    expect([await world.taken(shared), [...world.breakage.seen]]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
    ]);
    // From here on the key is each tenant's own.
    world.breakage.throws = true;
    await world.log.append('edge', [of('acme', 7, thrown), of('beta', 8), of('acme', 9)]);
    await world.until(async () => (await waiting(shared)) === 1 && (await world.taken(shared)).includes(8));
    expect(await world.taken(shared)).toEqual([1, 2, 3, 4, 5, 6, 8]);
  }, 60_000);
}
