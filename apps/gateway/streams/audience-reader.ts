import { audienceHeardMs, audienceTable, viewersOf, type AudienceCounts } from '#domain/edge';
import type { Counts } from '#kernel';
import type { Clock, ReadRow, ReadStore } from '#ports';

/** Viewers of a stream now, and at which edges. */
export interface Viewers {
  readonly viewers: number;
  readonly byEdge: Readonly<Record<string, number>>;
}

const rowsMax = 10_000;

/** Who watches now, by the counters of the edges. */
export class AudienceReader {
  readonly #reads: ReadStore;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(reads: ReadStore, clock: Pick<Clock, 'now'>) {
    this.#reads = reads;
    this.#clock = clock;
  }

  async of(streamId: string): Promise<Viewers> {
    return this.#view(await this.#reads.select(audienceTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: rowsMax }));
  }

  /** Of all streams that somebody watches. */
  async all(): Promise<ReadonlyMap<string, Viewers>> {
    const since = BigInt(this.#clock.now() - audienceHeardMs);
    const rows = await this.#reads.select(audienceTable, { where: [{ column: 'newest_ms', is: 'gte', value: since }], limit: rowsMax });
    const byStream = Map.groupBy(rows, (row) => String(row['stream_id']));
    return new Map([...byStream].map(([streamId, some]) => [streamId, this.#view(some)]));
  }

  #view(rows: readonly ReadRow[]): Viewers {
    return viewersOf(rows.map(countsOf), this.#clock.now());
  }
}

function countsOf(row: ReadRow): AudienceCounts {
  const counts = (column: string): Counts => (row[column] ?? {}) as Counts;
  return { region: String(row['origin']), joined: counts('joined'), left: counts('left_again'), heardAtMs: counts('heard_at_ms') };
}
