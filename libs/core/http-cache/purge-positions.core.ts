import { PurgeMarks, type PurgeMarksInit, type PurgeSubject, type PurgeTarget } from './purge-marks.core.ts';

/**
 * The same purges as in a {@link PurgeLedger}, remembered by where they stand on the log: in place of a generation, which is one
 * process's own, each carries its offset. So what another edge has kept can be judged: it says how far that edge had read
 * each partition when it asked the origin, and holds unless something that hits it stands at or behind that place.
 *
 * What was purged before this edge began to read it cannot know: what was kept before that counts as purged.
 */
export class PurgePositions {
  readonly #init: PurgeMarksInit;
  readonly #marks: PurgeMarks[] = [];
  /** The first offset of each partition from which on every purge is known. */
  readonly #known: bigint[] = [];

  constructor(init: PurgeMarksInit) {
    this.#init = init;
  }

  /** Nothing is known of a partition before this offset. */
  begin(partition: number, from: bigint): void {
    this.#marks[partition] ??= new PurgeMarks(this.#init);
    this.#known[partition] = from;
  }

  /**
   * Purges of one record, in the order of the log.
   * @throws what the pattern's compiler throws
   */
  add(partition: number, offset: bigint, targets: readonly PurgeTarget[]): void {
    // The next offset: a purge hits what was asked for by somebody who would have read on from it or from before it.
    const mark = { generation: Number(offset) + 1, atMs: 0 };
    for (const target of targets) this.#marks[partition]?.add(target, mark);
  }

  /** Whether it is known that nothing has purged, or made stale, what was asked for by somebody who had read so far. */
  holds(subject: PurgeSubject, positions: readonly bigint[]): boolean {
    if (positions.length !== this.#marks.length || this.#marks.length === 0) return false;
    return positions.every((position, partition) => {
      const known = this.#known[partition];
      return known !== undefined && position >= known && this.#marks[partition]?.hit(subject, Number(position)) === undefined;
    });
  }
}
