import { decodePurgeEntries, encodePurgeEntry, type PurgeEntry } from './purge-entry.codec.ts';
import { hashOf, type PurgeLabel } from './purge-label.codec.ts';
import { pathId, PurgeMarks, type PurgeMarksInit, type PurgeSubject, type PurgeTarget } from './purge-marks.core.ts';

export const purgeTargets = {
  all: { kind: 'all' },
  key: (key: string) => ({ kind: 'key', id: hashOf(key) }),
  label: (label: PurgeLabel) => ({ kind: 'label', label }),
  path: (path: string, label?: PurgeLabel) => ({ kind: 'path', id: pathId(hashOf(path), label) }),
  prefix: (prefix: string, label?: PurgeLabel) => ({ kind: 'prefix', id: pathId(hashOf(prefix), label), length: prefix.length }),
  pattern: (pattern: string, label?: PurgeLabel) => ({ kind: 'pattern', pattern, label }),
} as const satisfies Record<string, PurgeTarget | ((text: never, label?: PurgeLabel) => PurgeTarget)>;

export interface PurgeLedgerInit extends PurgeMarksInit {
  /** Gets each purge as it is made, for a journal that {@link PurgeLedger.restore} reads. */
  readonly onEntry?: ((entry: Uint8Array) => void) | undefined;
}

/** What became of an object since it was last judged. */
export type PurgeVerdict =
  | { readonly kind: 'current' }
  /** Stale from this moment on, to be revalidated. */
  | { readonly kind: 'soft'; readonly generation: number; readonly atMs: number }
  | { readonly kind: 'purged'; readonly generation: number };

const current: PurgeVerdict = { kind: 'current' };

/**
 * Remembers what was purged when. Each purge raises the generation, in constant time, whatever it names and however many
 * objects that is. An object carries the generation at which it was last known to be current: at first that at which its
 * request to the origin began, later that at which it was last judged. When nothing was purged since, one comparison
 * says so; else it is judged by the purges that came since, and by no older ones. What was asked for before a purge can
 * then never be stored as fresh after it, and no purge waits for the objects it hits to be found.
 *
 * The memory is bounded: the oldest purges are forgotten, and everything that was last judged before them counts as
 * purged, which costs a fill at most and never a promise. Generations only grow, over restarts too.
 */
export class PurgeLedger {
  readonly #hard: PurgeMarks;
  readonly #soft: PurgeMarks;
  readonly #onEntry: ((entry: Uint8Array) => void) | undefined;
  #generation = 0;

  constructor(init: PurgeLedgerInit) {
    this.#hard = new PurgeMarks(init);
    this.#soft = new PurgeMarks(init);
    this.#onEntry = init.onEntry;
  }

  get generation(): number {
    return this.#generation;
  }

  /**
   * Purges what the target names.
   * @param soft when, if it is only to be stale from now on, ms since the Unix epoch
   * @returns the generation of this purge
   * @throws what the pattern's compiler throws, with nothing changed
   */
  purge(target: PurgeTarget, soft?: { readonly atMs: number }): number {
    const entry: PurgeEntry = { target, soft: soft !== undefined, generation: this.#generation + 1, atMs: soft?.atMs ?? 0 };
    this.#take(entry);
    this.#onEntry?.(encodePurgeEntry(entry));
    return entry.generation;
  }

  /** Whether what began, or was last judged, at `since` is neither purged nor made stale. */
  isCurrent(subject: PurgeSubject, since: number): boolean {
    if (since === this.#generation) return true;
    return this.#hard.hit(subject, since) === undefined && this.#soft.hit(subject, since) === undefined;
  }

  /** What became of it since. The newest hard purge counts for more than any soft one. */
  judge(subject: PurgeSubject, since: number): PurgeVerdict {
    if (since === this.#generation) return current;
    const purged = this.#hard.hit(subject, since);
    if (purged !== undefined) return { kind: 'purged', generation: purged.generation };
    const soft = this.#soft.hit(subject, since);
    return soft === undefined ? current : { kind: 'soft', generation: soft.generation, atMs: soft.atMs };
  }

  /** All that is remembered, as entries one after the other. */
  snapshot(): Uint8Array {
    const all: PurgeEntry[] = [];
    for (const [target, mark] of this.#hard.entries()) all.push({ ...mark, target, soft: false });
    for (const [target, mark] of this.#soft.entries()) all.push({ ...mark, target, soft: true });
    const entries = all.sort((a, b) => a.generation - b.generation).map(encodePurgeEntry);
    entries.push(encodePurgeEntry({ target: undefined, soft: false, generation: this.#generation, atMs: 0 }));
    const whole = new Uint8Array(entries.reduce((sum, entry) => sum + entry.length, 0));
    let at = 0;
    for (const entry of entries) {
      whole.set(entry, at);
      at += entry.length;
    }
    return whole;
  }

  /**
   * Takes a snapshot, or entries of a journal in their order, back. What comes twice changes nothing.
   * @throws PurgeEntryError when the bytes are damaged: then nobody knows what was purged, and everything must count as purged
   */
  restore(bytes: Uint8Array): void {
    for (const entry of decodePurgeEntries(bytes)) this.#take(entry);
  }

  #take({ target, soft, generation, atMs }: PurgeEntry): void {
    // Entries come in the order of their generations: what is not beyond the last is here already.
    if (generation <= this.#generation) return;
    const marks = soft ? this.#soft : this.#hard;
    if (target !== undefined) marks.add(target, { generation, atMs });
    // Nothing that a soft purge could touch outlives a hard one of everything.
    if (target?.kind === 'all' && !soft) this.#soft.add(target, { generation, atMs });
    this.#generation = generation;
  }
}
