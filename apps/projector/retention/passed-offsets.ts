import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionPartition, ProjectionStore } from '#ports';

/**
 * How far every read model has come in a partition: what one of them has yet to read stays where it is read fastest. A read
 * model of which no version serves yet holds nothing up; it reads what is sealed as well.
 */
export class PassedOffsets {
  readonly #projections: ReadonlyArray<Projection<DomainEvent>>;
  readonly #positions: ReadonlyMap<string, bigint>;

  private constructor(projections: ReadonlyArray<Projection<DomainEvent>>, positions: ReadonlyMap<string, bigint>) {
    this.#projections = projections;
    this.#positions = positions;
  }

  static async read(projections: ReadonlyArray<Projection<DomainEvent>>, store: ProjectionStore): Promise<PassedOffsets> {
    const positions = new Map<string, bigint>();
    for (const { projection, topic, partition, position } of await store.checkpoints()) {
      const name = `${projection}/${topic}/${partition}`;
      // A version that was replaced stands still for as long as it is kept.
      positions.set(name, greatest(positions.get(name), position));
    }
    return new PassedOffsets(projections, positions);
  }

  /** The least position of all; undefined when nobody has begun there. */
  of({ topic, partition }: ProjectionPartition): bigint | undefined {
    let passed: bigint | undefined;
    for (const { name, contexts } of this.#projections) {
      if (!(contexts as readonly string[]).includes(topic)) continue;
      const position = this.#positions.get(`${name}/${topic}/${partition}`);
      if (position !== undefined) passed = least(passed, position);
    }
    return passed;
  }
}

function greatest(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a;
}

function least(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}
