import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryLeaseStore, MemoryPastStore } from '#adapters/memory';
import { encodeEvent, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import { foldChanges, type Projection, type RowChange, type TableSpec } from '#kernel';
import { rowsFor, type PartitionHead, type ReadQuery } from '#ports';
import { PastKeeper, PastReadStore } from '#runtime';
import { pino } from 'pino';
import { projections } from '#read-models';
import { eventsOf } from './any-events.ts';
import { recorded } from './recorded-log.ts';

const logger = pino({ level: 'silent' });

const everything: ReadQuery = { limit: 10_000 };

/** Questions that readers ask: all rows, each row by its key, those of the first column of a row's key, and what is behind a row. */
function questionsOf(table: TableSpec, rows: readonly RowChange[]): readonly ReadQuery[] {
  const orderBy = Object.keys(table.key).map((column) => ({ column }));
  return [
    everything,
    ...rows.slice(0, 3).flatMap(({ key }): ReadQuery[] => {
      const equal = Object.entries(key).map(([column, value]) => ({ column, is: 'eq' as const, value }));
      const [last] = equal.slice(-1) as [(typeof equal)[number]];
      return [
        { where: equal, limit: 1 },
        { where: equal.slice(0, 1), limit: 100 },
        { where: [...equal.slice(0, -1), { ...last, is: 'gte' }], orderBy, limit: 100 },
        { where: [...equal.slice(0, -1), { ...last, is: 'lt' }], orderBy, limit: 100 },
        { after: key, orderBy, limit: 2 },
        { keys: [key], limit: 1 },
      ];
    }),
  ];
}

function text(rows: readonly object[]): string {
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/** The law: what is read as of a moment is the fold of what the log had recorded by then, with pieces or without. */
function lawOf(projection: Projection<DomainEvent>) {
  return fc.asyncProperty(eventsOf(projection), fc.nat(), fc.nat(), async (events, keptAt, askedAt) => {
    const { clock, log, begunMs } = await recorded(events);
    const past = new MemoryPastStore();
    const keeper = new PastKeeper(
      { projections: [projection], owner: 'test', pieceEvents: 1 + (keptAt % 3), fan: 2 },
      { log, past, leases: new MemoryLeaseStore(clock), clock, logger },
    );
    if (keptAt % 4 !== 0) await keeper.catchUp();
    const atMs = askedAt % (events.length + 1);
    const moment = { before: (topic: string, partition: number) => log.offsetAt(topic, partition, begunMs + atMs + 1) };
    const folded = foldChanges(
      projection.tables,
      events.slice(0, atMs).flatMap((event, at) => projection.project(event, begunMs + at + 1)),
    );
    const reads = new PastReadStore({ projections, moment, tailMax: 1000, rowsMax: 1000 }, { log, past });
    for (const table of projection.tables) {
      const rows = folded.filter((row) => row.table === table.name);
      for (const query of questionsOf(table, rows)) {
        const sorted = { ...query, orderBy: Object.keys(table.key).map((column) => ({ column })) };
        expect(text(await reads.select(table, sorted))).toBe(text(rowsFor(table, sorted, rows)));
      }
    }
  });
}

test.each(projections.map((projection) => [projection.name, projection] as const))(
  'the read model %s as of any moment is the fold up to it',
  async (_name, projection) => {
    await fc.assert(lawOf(projection), { numRuns: 25 });
  },
);

test.each([0, 1])('what was discarded is left out, by those who read (pieces of %i events) and by those who keep pieces', async (pieceEvents) => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  // The third event must be one that is missed.
  const foldOf = (events: readonly DomainEvent[]): string =>
    text(
      foldChanges(
        projection.tables,
        events.flatMap((event, at) => projection.project(event, at + 1)),
      ),
    );
  const [events] = fc.sample(
    eventsOf(projection).filter((events) => events.length >= 12 && foldOf(events) !== foldOf(events.filter((_, at) => at !== 2))),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const { clock, log, begunMs } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
  const lane = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
  const past = new MemoryPastStore();
  const leftOut = async (name: string) => new Set(name === 'purges' ? [`cache/${lane.partition}/2`] : []);
  const deps = { log, past, leftOut };
  const keeper = new PastKeeper(
    { projections: [projection], owner: 'test', pieceEvents, fan: 2 },
    { ...deps, leases: new MemoryLeaseStore(clock), clock, logger },
  );
  if (pieceEvents > 0) await keeper.catchUp();
  const without = events.map((event, at) => (at === 2 ? [] : projection.project(event, begunMs + at + 1)));
  const moment = { before: async (_topic: string, partition: number) => (partition === lane.partition ? lane.high : 0n) };
  // Those who read pieces must find the event left out of them.
  const reader = pieceEvents > 0 ? { log, past } : deps;
  const reads = new PastReadStore({ projections, moment, tailMax: 1000, rowsMax: 1000 }, reader);
  const all = foldChanges(projection.tables, without.flat());
  expect(
    text(
      foldChanges(
        projection.tables,
        events.flatMap((event, at) => projection.project(event, begunMs + at + 1)),
      ),
    ),
  ).not.toBe(text(all));
  for (const table of projection.tables) {
    const sorted = { ...everything, orderBy: Object.keys(table.key).map((column) => ({ column })) };
    const rows = all.filter((row) => row.table === table.name);
    expect(text(await reads.select(table, sorted))).toBe(text(rowsFor(table, sorted, rows)));
  }
});

test('a keeper folds nothing that the reader of the projection has not taken', async () => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  const [events] = fc.sample(
    eventsOf(projection).filter(({ length }) => length >= 8),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const { clock, log } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
  const lane = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
  const past = new MemoryPastStore();
  let taken = new Map<string, bigint>();
  const deps = { log, past, leases: new MemoryLeaseStore(clock), clock, logger, taken: () => Promise.resolve(taken) };
  const keeper = new PastKeeper({ projections: [projection], owner: 'test', pieceEvents: 2, fan: 2 }, deps);
  const model = { log: await log.identity(), projection: projection.name, version: projection.version };
  const kept = async (): Promise<bigint | undefined> =>
    (await past.chains(model, [{ topic: 'cache', partition: lane.partition, before: lane.high }]))[0]?.at(-1)?.next;
  await keeper.catchUp();
  expect(await kept()).toBeUndefined();
  taken = new Map([[`cache/${lane.partition}`, 5n]]);
  await keeper.catchUp();
  expect(await kept()).toBe(4n);
});

test('a keeper goes on where another ended, makes up for a join that was left out, and makes what another would have made', async () => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  // The third event must be one that is missed.
  const foldOf = (events: readonly DomainEvent[]): string =>
    text(
      foldChanges(
        projection.tables,
        events.flatMap((event, at) => projection.project(event, at + 1)),
      ),
    );
  const [events] = fc.sample(
    eventsOf(projection).filter((events) => events.length >= 12 && foldOf(events) !== foldOf(events.filter((_, at) => at !== 2))),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const { clock, log } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
  const [whole, torn] = [new MemoryPastStore(), new MemoryPastStore()];
  const keeperOf = (past: MemoryPastStore) =>
    new PastKeeper({ projections: [projection], owner: 'test', pieceEvents: 1, fan: 2 }, { log, past, leases: new MemoryLeaseStore(clock), clock, logger });
  await keeperOf(whole).catchUp();
  // It ends at every third piece; those that were not added are larger ones as well.
  for (let left = 100; left > 0; left--) {
    const add = MemoryPastStore.prototype.add;
    let count = 0;
    torn.add = (...one) => (++count % 3 === 0 ? Promise.reject(new Error('killed')) : add.apply(torn, one));
    if (
      await keeperOf(torn)
        .catchUp()
        .then(
          () => true,
          () => false,
        )
    )
      break;
  }
  const model = { log: await log.identity(), projection: projection.name, version: projection.version };
  const chainsOf = (past: MemoryPastStore) =>
    Promise.all(
      events.map((_, at) =>
        past.chains(
          model,
          Array.from({ length: topicPartitions }, (__, partition) => ({ topic: 'cache', partition, before: BigInt(at) })),
        ),
      ),
    );
  const shape = (chains: Awaited<ReturnType<typeof chainsOf>>) => chains.map((one) => one.map((chain) => chain.map(({ first, next }) => `${first}-${next}`)));
  expect(shape(await chainsOf(torn))).toEqual(shape(await chainsOf(whole)));
  expect(await torn.size(model)).toEqual(await whole.size(model));
});

test('what the code could not take when pieces were folded is in them once it can, and nothing is folded twice until then', async () => {
  const [mended] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  const foldOf = (some: readonly DomainEvent[]): string =>
    text(
      foldChanges(
        mended.tables,
        some.flatMap((event, at) => mended.project(event, at + 1)),
      ),
    );
  const bad = [3, 9];
  // Both must be events that are missed.
  const [events] = fc.sample(
    eventsOf(mended).filter((some) => some.length >= 12 && bad.every((one) => foldOf(some) !== foldOf(some.filter((_, at) => at !== one)))),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const { clock, log, begunMs } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
  const lane = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
  const past = new MemoryPastStore();
  const ids = bad.map((at) => events[at]?.id);
  const throwing = (some: readonly unknown[]): Projection<DomainEvent> => ({
    ...mended,
    project: (event, at) => {
      if (some.includes(event.id)) throw new Error('It cannot be taken.');
      return mended.project(event, at);
    },
  });
  const keep = (projection: Projection<DomainEvent>): Promise<void> =>
    new PastKeeper(
      { projections: [projection], owner: 'test', pieceEvents: 2, fan: 2 },
      { log, past, leases: new MemoryLeaseStore(clock), clock, logger },
    ).catchUp();
  const model = { log: await log.identity(), projection: mended.name, version: mended.version };
  const stored = async (): Promise<readonly string[]> =>
    (
      await past.chains(
        model,
        events.map((_, at) => ({ ...lane, topic: 'cache', before: BigInt(at + 1) })),
      )
    )
      .flat()
      .map(({ id }) => id);
  const lacks = async (): Promise<readonly bigint[]> => (await past.lacking(model, '', 100)).flatMap((piece) => piece.lacks);
  const moment = { before: async (_topic: string, partition: number) => (partition === lane.partition ? lane.high : 0n) };
  const expectRows = async (some: readonly DomainEvent[]): Promise<void> => {
    // Whoever reads pieces cannot take the two: what is behind the pieces is none of them.
    const reads = new PastReadStore({ projections: [throwing(ids)], moment, tailMax: 1000, rowsMax: 1000 }, { log, past });
    const all = foldChanges(
      mended.tables,
      events.flatMap((event, at) => (some.includes(event) ? mended.project(event, begunMs + at + 1) : [])),
    );
    for (const table of mended.tables) {
      const sorted = { ...everything, orderBy: Object.keys(table.key).map((column) => ({ column })) };
      expect(text(await reads.select(table, sorted))).toBe(
        text(
          rowsFor(
            table,
            sorted,
            all.filter((row) => row.table === table.name),
          ),
        ),
      );
    }
  };

  await keep(throwing(ids));
  expect(await lacks()).toEqual([3n, 9n]);
  await expectRows(events.filter((_, at) => !bad.includes(at)));
  const before = await stored();
  await keep(throwing(ids));
  expect(await stored()).toEqual(before);
  // One is mended: what is before it stays, what is behind it is folded anew.
  await keep(throwing(ids.slice(0, 1)));
  expect(await lacks()).toEqual([3n]);
  await expectRows(events.filter((_, at) => at !== 3));
  expect((await stored()).slice(0, 4)).toEqual(before.slice(0, 4));
  await keep(mended);
  expect(await lacks()).toEqual([]);
  await expectRows(events);
});

test.each([true, false])(
  'what is removed from the log is in pieces before (%s), or told as lacking; what comes behind it is kept either way',
  async (isFolded) => {
    const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
    const inOrder = (table: TableSpec): ReadQuery => ({ ...everything, orderBy: Object.keys(table.key).map((column) => ({ column })) });
    const foldAll = (some: readonly DomainEvent[]): string =>
      text(
        foldChanges(
          projection.tables,
          some.flatMap((event, at) => projection.project(event, at + 1)),
        ),
      );
    // The last ones before the removal must be events that are missed.
    const [events] = fc.sample(
      eventsOf(projection).filter((some) => some.length >= 12 && foldAll(some.slice(0, 6)) !== foldAll(some.slice(0, 4))),
      { numRuns: 1, seed: 7 },
    ) as [readonly DomainEvent[]];
    const { clock, log, begunMs } = await recorded(events.slice(0, 6).map((event) => ({ ...event, key: 'one' })));
    const { partition } = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
    const past = new MemoryPastStore();
    let taken = 4n;
    const deps = { log, past, leases: new MemoryLeaseStore(clock), clock, logger, taken: async () => new Map([[`cache/${partition}`, taken]]) };
    const keeper = new PastKeeper({ projections: [projection], owner: 'test', pieceEvents: 4, fan: 2 }, deps);
    const cut = { topic: 'cache', partition, before: 6n };
    const rowsAt = async (before: bigint): Promise<string> => {
      const moment = { before: async (_topic: string, at: number) => (at === partition ? before : 0n) };
      const reads = new PastReadStore({ projections, moment, tailMax: 1000, rowsMax: 1000 }, { log, past });
      return text(await Promise.all(projection.tables.map((table) => reads.select(table, inOrder(table)))));
    };
    const foldOf = (some: readonly DomainEvent[]): string => {
      const rows = foldChanges(
        projection.tables,
        some.flatMap((event) => projection.project(event, begunMs + events.indexOf(event) + 1)),
      );
      return text(
        projection.tables.map((table) =>
          rowsFor(
            table,
            inOrder(table),
            rows.filter((row) => row.table === table.name),
          ),
        ),
      );
    };
    // More than one part is left, then what the reader has not taken.
    expect(await keeper.foldRest(cut)).toBe(false);
    await keeper.catchUp();
    expect(await keeper.foldRest(cut)).toBe(false);
    taken = 6n;
    if (isFolded) expect([await keeper.foldRest(cut), await keeper.foldRest(cut)]).toEqual([true, true]);
    await log.truncate('cache', partition, 6n);
    await keeper.catchUp();
    const lacking = isFolded ? [] : events.slice(4, 6);
    const kept = (to: number): readonly DomainEvent[] => events.slice(0, to).filter((event) => !lacking.includes(event));
    expect(await rowsAt(6n)).toBe(foldOf(kept(6)));
    await expect(rowsAt(5n)).rejects.toMatchObject({ code: 'PAST_TRUNCATED' });
    for (const event of events.slice(6, 11)) {
      clock.advance(1);
      await log.append('cache', [encodeEvent({ ...event, key: 'one' }) as LogRecord]);
    }
    expect(await rowsAt(11n)).toBe(foldOf(kept(11)));
    taken = 11n;
    await keeper.catchUp();
    expect(await rowsAt(11n)).toBe(foldOf(kept(11)));
    const model = { log: await log.identity(), projection: projection.name, version: projection.version };
    expect((await past.chains(model, [{ ...cut, before: 11n }]))[0]?.at(-1)?.next).toBe(8n);
  },
);

test('what an older version has folded stays where the log no longer has all of it, and is forgotten where it has', async () => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  const [events] = fc.sample(
    eventsOf(projection).filter((some) => some.length >= 12),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  for (const isCut of [false, true]) {
    const { clock, log } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
    const { partition, high } = (await log.heads('cache')).find((head) => head.high > 0n) as PartitionHead;
    const past = new MemoryPastStore();
    const keeperOf = (version: number) =>
      new PastKeeper(
        { projections: [{ ...projection, version }], owner: `v${version}`, pieceEvents: 4, fan: 2 },
        { log, past, leases: new MemoryLeaseStore(clock), clock, logger },
      );
    const identity = await log.identity();
    const kept = async (version: number): Promise<readonly string[]> =>
      ((await past.chains({ log: identity, projection: projection.name, version }, [{ topic: 'cache', partition, before: high }]))[0] ?? []).map(
        ({ first, next }) => `${first}-${next}`,
      );
    await keeperOf(1).catchUp();
    const before = await kept(1);
    expect(before.length).toBeGreaterThan(0);
    if (isCut) await log.truncate('cache', partition, 4n);
    const newer = keeperOf(2);
    await newer.tidy();
    await newer.catchUp();
    expect(await kept(1)).toEqual(isCut ? before : []);
    // Where the log begins later, an empty piece stands for what was before.
    const [chain = []] = await past.chains({ log: identity, projection: projection.name, version: 2 }, [{ topic: 'cache', partition, before: 4n }]);
    const blocks = await Promise.all(
      projection.tables.map(({ name }) =>
        past.blocks(
          chain.map(({ id }) => id),
          { table: name, from: '', to: '\uffff' },
        ),
      ),
    );
    expect([chain.map(({ first, next }) => `${first}-${next}`), blocks.flat().length > 0]).toEqual([['0-4'], !isCut]);
  }
});

test('what cannot be answered is told: too far behind the pieces, too many rows, truncated, ahead of the log', async () => {
  const [projection] = projections.filter(({ name }) => name === 'purges') as [Projection<DomainEvent>];
  // The third event must be one that is missed.
  const foldOf = (events: readonly DomainEvent[]): string =>
    text(
      foldChanges(
        projection.tables,
        events.flatMap((event, at) => projection.project(event, at + 1)),
      ),
    );
  const [events] = fc.sample(
    eventsOf(projection).filter((events) => events.length >= 12 && foldOf(events) !== foldOf(events.filter((_, at) => at !== 2))),
    { numRuns: 1, seed: 7 },
  ) as [readonly DomainEvent[]];
  const { log } = await recorded(events.map((event) => ({ ...event, key: 'one' })));
  const lane = (await log.heads('cache')).find(({ high }) => high > 0n) as PartitionHead;
  const readsAt = (before: (partition: number) => bigint, limits = { tailMax: 100, rowsMax: 100 }) =>
    new PastReadStore({ projections, moment: { before: async (_topic, partition) => before(partition) }, ...limits }, { log, past: new MemoryPastStore() });
  const end = (partition: number): bigint => (partition === lane.partition ? lane.high : 0n);
  const table = projection.tables[0] as TableSpec;
  const code = (reads: PastReadStore) =>
    reads.select(table, everything).then(
      () => 'read',
      ({ code: said }: { code: string }) => said,
    );
  expect(await code(readsAt(end))).toBe('read');
  expect(await code(readsAt(end, { tailMax: 5, rowsMax: 100 }))).toBe('PAST_NOT_KEPT');
  expect(await code(readsAt(end, { tailMax: 100, rowsMax: 0 }))).toBe('PAST_TOO_LARGE');
  expect(await code(readsAt((partition) => end(partition) + (partition === lane.partition ? 1n : 0n)))).toBe('PAST_AHEAD');
  await log.truncate('cache', lane.partition, 4n);
  expect(await code(readsAt((partition) => (partition === lane.partition ? 3n : 0n)))).toBe('PAST_TRUNCATED');
});
