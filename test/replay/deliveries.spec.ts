import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DomainEvent } from '#events';
import { ChangeFold, foldChanges, rowsText, type Projection, type RowChange } from '#kernel';
import { projections } from '#read-models';
import { eventsOf, pool } from './any-events.ts';

const projectorsMax = 4;
const delivery = fc.record({ event: fc.nat(), projector: fc.nat({ max: projectorsMax - 1 }), endsBatch: fc.boolean() });

/** Folds batch by batch, as a projector commits them. */
class Projector {
  #rows: readonly RowChange[] = [];
  #batch: ChangeFold;

  constructor(readonly projection: Projection<DomainEvent>) {
    this.#batch = new ChangeFold(projection.tables);
  }

  take(event: DomainEvent, endsBatch: boolean): void {
    for (const change of this.projection.project(event)) this.#batch.add(change);
    if (endsBatch) this.rows();
  }

  rows(): readonly RowChange[] {
    this.#rows = foldChanges(this.projection.tables, [...this.#rows, ...this.#batch.changes()]);
    this.#batch = new ChangeFold(this.projection.tables);
    return this.#rows;
  }
}

test('there is something to vary: most events have several data', () => {
  const several = [...pool.values()].filter((all) => new Set(all.map((data) => JSON.stringify(data))).size >= 5);
  expect(several.length).toBeGreaterThan(pool.size * 0.8);
});

/** The law: rows are the sequential fold, whatever becomes of deliveries. */
function lawOf(projection: Projection<DomainEvent>) {
  return fc.property(eventsOf(projection), fc.array(delivery, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (events, deliveries, dice) => {
    const sequential = new Projector(projection);
    for (const event of events) sequential.take(event, false);

    const projectors = Array.from({ length: projectorsMax }, () => new Projector(projection));
    const delivered = new Set<number>();
    for (const { event, projector, endsBatch } of deliveries) {
      const at = event % events.length;
      projectors[projector]?.take(events[at] as DomainEvent, endsBatch);
      delivered.add(at);
    }
    // What was lost on every way is sent again in the end, to anybody, the last first.
    for (let at = events.length - 1; at >= 0; at--)
      if (!delivered.has(at)) projectors[(dice.next().value as number) % projectorsMax]?.take(events[at] as DomainEvent, true);

    const inAnyOrder = projectors.map((one) => ({ rows: one.rows(), at: dice.next().value as number })).sort((a, b) => a.at - b.at);
    const merged = foldChanges(
      projection.tables,
      inAnyOrder.flatMap(({ rows }) => rows),
    );
    expect(rowsText(merged)).toBe(rowsText(sequential.rows()));
  });
}

test.each(projections.map((projection) => [projection.name, projection] as const))(
  'the read model %s is the sequential fold of deliveries that are permuted, doubled, lost and sent again, split over projectors',
  (_name, projection) => {
    fc.assert(lawOf(projection), { numRuns: 150 });
  },
);

test('a projection that now and then leaves out a column of a stamp group is found', () => {
  const [contents] = projections.filter(({ name }) => name === 'contents') as [Projection<DomainEvent>];
  const broken: Projection<DomainEvent> = {
    ...contents,
    project: (event) =>
      contents.project(event).map((change) => ({
        ...change,
        set: Object.fromEntries(Object.entries(change.set).filter(([column]) => column !== 'etag' || event.streamVersion > 1n)),
      })),
  };
  expect(fc.check(lawOf(broken), { numRuns: 2000 }).failed).toBe(true);
});
