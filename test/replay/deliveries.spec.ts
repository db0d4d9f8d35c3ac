import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalogue, readValue, type DomainEvent, type EventDefinition } from '#events';
import { ChangeFold, foldChanges, Prng, rowsText, type Projection, type RowChange } from '#kernel';
import { projections } from '../../apps/projector/projections.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Another value of the same kind, from few, so that events often speak of the same things and contradict each other. */
function varied(value: unknown, dice: Prng): unknown {
  if (typeof value === 'number') return value + dice.nextInteger(0, 3);
  if (typeof value === 'boolean') return dice.next() < 0.5;
  return typeof value === 'string' ? value.slice(0, -1) + dice.pick(['2', '3', 'b']) : value;
}

function isValid(definition: EventDefinition, data: Fields): boolean {
  return definition.schema.safeParse(data).success;
}

/** Valid data of an event, made from its samples by varying one field after the other. */
function dataOf(definition: EventDefinition, dice: Prng): readonly Fields[] {
  const first = definition.version - definition.samples.length + 1;
  const samples = definition.samples.map((sample, at) => readValue(definition, first + at, sample) as Fields);
  return Array.from({ length: 10 }, (_, at) => {
    let data = samples[at % samples.length] as Fields;
    for (const name of Object.keys(data)) {
      const other = { ...data, [name]: varied(data[name], dice) };
      if (dice.next() < 0.6 && isValid(definition, other)) data = other;
    }
    return data;
  });
}

const pool = new Map(catalogue.map((definition, at) => [definition.type as string, dataOf(definition as EventDefinition, new Prng(at))]));

/** Events of a projection as nobody would write them: versions, epochs and times collide, and the data says anything that is valid. */
function eventsOf({ handles }: Projection<DomainEvent>): fc.Arbitrary<readonly DomainEvent[]> {
  const one = fc.record({
    ...{ type: fc.constantFrom(...handles), pick: fc.nat({ max: 9 }), time: fc.nat({ max: 3 }), version: fc.nat({ max: 3 }), epoch: fc.nat({ max: 2 }) },
    tenant: fc.constantFrom('default', 'acme'),
  });
  return fc.array(one, { minLength: 1, maxLength: 14 }).map((all) =>
    all.map(({ type, pick, time, version, epoch, tenant }, at) => {
      const definition = catalogue.find((defined) => defined.type === type) as unknown as EventDefinition;
      const data = (pool.get(type) as readonly Fields[])[pick] as Fields;
      const about = { id: `id-${at}`, type, version: definition.version, subject: definition.subject(data), key: definition.key(data), data };
      const envelope = { source: '/t', time: 1_790_000_000_000 + time, tenant, correlationId: '', causationId: '', traceparent: '', actor: `key:${at % 2}` };
      return { ...about, ...envelope, streamVersion: BigInt(version), producerEpoch: BigInt(epoch) } as DomainEvent;
    }),
  );
}

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
