import fc from 'fast-check';
import { catalogue, readValue, type DomainEvent, type EventDefinition } from '#events';
import { Prng, type Projection } from '#kernel';

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

export const pool = new Map(catalogue.map((definition, at) => [definition.type as string, dataOf(definition as EventDefinition, new Prng(at))]));

/** Events of a projection as nobody would write them: versions, epochs and times collide, and the data says anything that is valid. */
export function eventsOf({ handles }: Projection<DomainEvent>): fc.Arbitrary<readonly DomainEvent[]> {
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
