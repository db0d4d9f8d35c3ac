import { audienceHeardMs, audienceTable, viewersOf } from '#domain/edge';
import type { Counts } from '#kernel';
import type { Clock, ReadRow, ReadStore } from '#ports';

/** Viewers of a stream now, and at which edges. */
export interface Viewers {
  readonly viewers: number;
  readonly byEdge: Readonly<Record<string, number>>;
}

const nobody: Viewers = { viewers: 0, byEdge: {} };
const streamsMax = 10_000;

/** Who watches now, by the counters of the edges. */
export class AudienceReader {
  readonly #reads: ReadStore;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(reads: ReadStore, clock: Pick<Clock, 'now'>) {
    this.#reads = reads;
    this.#clock = clock;
  }

  async of(streamId: string): Promise<Viewers> {
    const [row] = await this.#reads.select(audienceTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1 });
    return row === undefined ? nobody : this.#view(row);
  }

  /** Of all streams that somebody watches. */
  async all(): Promise<ReadonlyMap<string, Viewers>> {
    const since = BigInt(this.#clock.now() - audienceHeardMs);
    const rows = await this.#reads.select(audienceTable, { where: [{ column: 'newest_ms', is: 'gte', value: since }], limit: streamsMax });
    return new Map(rows.map((row) => [String(row['stream_id']), this.#view(row)]));
  }

  #view(row: ReadRow): Viewers {
    const counts = (column: string): Counts => (row[column] ?? {}) as Counts;
    return viewersOf({ joined: counts('joined'), left: counts('left_again'), heardAtMs: counts('heard_at_ms') }, this.#clock.now());
  }
}
