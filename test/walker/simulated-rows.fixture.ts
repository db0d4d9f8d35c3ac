import { streamsProjection, streamTable } from '#domain/stream';
import type { DomainEvent, DraftEvent } from '#events';
import { foldChanges, type Prng, type RowChange, type TableSpec } from '#kernel';
import { ReadStore, rowsFor, type ReadQuery, type ReadRow, type ReadSnapshot } from '#ports';

/** A log, and the rows of as much of it as has been projected. Whoever reads is answered later, and not in the order of asking. */
export class SimulatedRows extends ReadStore {
  readonly #prng: Prng;
  /** What was appended together is projected together. */
  #log: DomainEvent[][] = [];
  #made = 0;
  #projected = 0;
  #rows: readonly RowChange[] = [];
  #answers: Array<() => void> = [];

  constructor(prng: Prng) {
    super();
    this.#prng = prng;
  }

  /** @param version of the first; it orders the facts of one epoch */
  append(drafts: readonly DraftEvent[], version: bigint, epoch: bigint): readonly DomainEvent[] {
    const events = drafts.map((draft, at) => {
      const number = ++this.#made;
      const id = `018f0000-0000-7000-8000-${String(number).padStart(12, '0')}`;
      const rest = { id, time: 1_790_000_000_000 + number, tenant: 'default', actor: 'key:k-1', streamVersion: version + BigInt(at), producerEpoch: epoch };
      return { ...draft, ...rest } as unknown as DomainEvent;
    });
    this.#log.push(events);
    return events;
  }

  get behind(): number {
    return this.#log.length - this.#projected;
  }

  /** One commit of the projector. */
  project(count: number): void {
    const events = this.#log.slice(this.#projected, this.#projected + count);
    this.#projected += events.length;
    this.#rows = foldChanges(streamsProjection.tables, [...this.#rows, ...events.flat().flatMap((event) => streamsProjection.project(event))]);
  }

  get streamRow(): ReadRow {
    return this.#of(streamTable, { limit: 1 })[0] as ReadRow;
  }

  override select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    const rows = this.#of(table, query);
    return new Promise((resolve) => this.#answers.push(() => resolve(rows)));
  }

  #of(spec: TableSpec, query: ReadQuery): readonly ReadRow[] {
    return rowsFor(
      spec,
      query,
      this.#rows.filter(({ table }) => table === spec.name),
    );
  }

  override snapshot(): Promise<ReadSnapshot> {
    throw new Error('nobody asks for one');
  }

  get pending(): number {
    return this.#answers.length;
  }

  /** Any one of those that were asked. */
  answer(): void {
    const [one] = this.#answers.splice(this.#prng.nextInteger(0, this.#answers.length - 1), 1);
    one?.();
  }
}
