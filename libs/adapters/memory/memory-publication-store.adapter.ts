import { assert } from '#kernel';
import {
  publicationDaysMin,
  PublicationStore,
  type Clock,
  type KnownPublication,
  type Position,
  type PublicationBatch,
  type PublicationEntry,
  type Reservation,
  type Reserved,
} from '#ports';

interface Taken {
  batch: bigint;
  place: number;
  digest: bigint;
}

interface StoredBatch extends PublicationBatch {
  positions: readonly (Position | undefined)[] | undefined;
  readonly reservedAtMs: number;
}

const dayMs = 86_400_000;

/** Publications that live as long as their object. */
export class MemoryPublicationStore extends PublicationStore {
  readonly #clock: Clock;
  readonly #taken = new Map<string, Taken>();
  readonly #batches = new Map<bigint, StoredBatch>();
  #lastId = 0n;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async reserve({ producer, epoch, batches }: Reservation): Promise<Reserved> {
    const known: KnownPublication[] = [];
    const ids = batches.map(({ topic, heads, entries }, batchIndex) => {
      const id = ++this.#lastId;
      this.#batches.set(id, { id, topic, producer, epoch, heads: [...heads], positions: undefined, reservedAtMs: this.#clock.now() });
      entries.forEach((entry, place) => {
        const taken = this.#taken.get(keyOf(entry));
        if (taken === undefined || this.#isFree(taken)) this.#taken.set(keyOf(entry), { batch: id, place, digest: entry.digest });
        else known.push({ batchIndex, entryIndex: place, ...taken });
      });
      return id;
    });
    return { ids, known };
  }

  /** True when its batch is settled and it was not part of what was written. */
  #isFree({ batch, place }: Taken): boolean {
    const positions = this.#batches.get(batch)?.positions;
    return positions !== undefined && positions[place] === undefined;
  }

  override async settle(batch: bigint, positions: readonly (Position | undefined)[]): Promise<boolean> {
    const stored = this.#batches.get(batch);
    assert(stored !== undefined, `there is no batch ${batch}`);
    if (stored.positions !== undefined) return false;
    stored.positions = [...positions];
    return true;
  }

  override async batches(ids: readonly bigint[]): Promise<readonly PublicationBatch[]> {
    return ids.flatMap((id) => this.#batches.get(id) ?? []).map((batch) => ({ ...batch }));
  }

  override async unsettled(olderThanMs: number, limit: number): Promise<readonly PublicationBatch[]> {
    const before = this.#clock.now() - olderThanMs;
    return [...this.#batches.values()].filter(({ positions, reservedAtMs }) => positions === undefined && reservedAtMs <= before).slice(0, limit);
  }

  override async entries(batch: bigint): Promise<ReadonlyArray<{ readonly place: number; readonly key: string }>> {
    return [...this.#taken]
      .filter(([, taken]) => taken.batch === batch)
      .map(([key, { place }]) => ({ place, key: key.slice(key.indexOf('/') + 1) }))
      .sort((a, b) => a.place - b.place);
  }

  override async forget(today: number): Promise<void> {
    const firstDay = today - publicationDaysMin - 1;
    const before = (today - publicationDaysMin - 2) * dayMs;
    for (const [key, { batch }] of this.#taken) {
      const day = Number(key.slice(0, key.indexOf('/')));
      const isOld = day === 0 ? (this.#batches.get(batch)?.reservedAtMs ?? 0) < before : day < firstDay;
      if (isOld) this.#taken.delete(key);
    }
    for (const [id, { reservedAtMs }] of this.#batches) if (reservedAtMs < before) this.#batches.delete(id);
  }
}

function keyOf({ day, key }: PublicationEntry): string {
  return `${day}/${key}`;
}
