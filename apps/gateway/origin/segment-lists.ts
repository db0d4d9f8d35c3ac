import { segmentTable } from '#domain/stream';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import { SegmentRows, type Segment } from './segment-rows.ts';

export interface SegmentListsInit {
  /** Segments kept over all renditions; those that were not asked for the longest are forgotten, and read again. */
  readonly segmentsMax: number;
}

/** Some 400 bytes each: ten streams of three renditions with four hours. */
export const segmentListDefaults: SegmentListsInit = { segmentsMax: 250_000 };

/** What is known of a rendition. */
export interface SegmentList {
  /** In order of media sequence: at least what was asked for, and perhaps older ones. */
  readonly segments: readonly Segment[];
  /** The rendition's first segment, and all behind a discontinuity, in order: also those that are older than what was asked for. */
  readonly beginnings: readonly Segment[];
}

/** Which segments are wanted. */
export interface WantedSegments {
  readonly streamId: string;
  readonly rendition: string;
  /** Place on the stream's timeline from which on all are wanted, microseconds; 0 for everything. */
  readonly fromUs: number;
  /** Newest media sequence of the stream: what is there up to it is read. */
  readonly last: number;
}

interface SegmentPlace {
  readonly streamId: string;
  readonly rendition: string;
  readonly mediaSequence: number;
}

interface Kept extends SegmentList {
  readonly rows: SegmentRows;
  /** All segments that begin here or later are held, as far as they were read. */
  readonly coveredUs: number;
}

/** Rows read at once. */
const pageRows = 10_000;
/** Segments that one list may hold: 55 hours of 2 s. */
const listMax = 100_000;
/** Rows this close to the newest are read again each time: a successor of a packager may have replaced its last ones. */
const overlapSegments = 8;
/** Segments that begin a little before the place belong to it in another rendition. */
const marginUs = 1_000_000;
/** Held beyond what was asked for, so that a reader who is a moment late does not need them read again. */
const slackUs = 30_000_000;

/**
 * The segments of renditions, kept in memory while they are asked for: a playlist of four hours changes by one segment every
 * two seconds, and reading 7,200 rows for it would cost more than everything else. What is kept is what the rows say; a
 * segment that has a successor does not change any more.
 */
export class SegmentLists {
  readonly #init: SegmentListsInit;
  readonly #reads: ReadStore;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  /** Readers of one rendition wait for the same rows. */
  readonly #reading = new Map<string, Promise<SegmentList>>();

  constructor(reads: ReadStore, init: SegmentListsInit = segmentListDefaults) {
    this.#reads = reads;
    this.#init = init;
  }

  /** Segments held, for tests and for whoever wonders. */
  get size(): number {
    let size = 0;
    for (const { segments } of this.#kept.values()) size += segments.length;
    return size;
  }

  async list(wanted: WantedSegments): Promise<SegmentList> {
    const key = `${wanted.streamId}/${wanted.rendition}`;
    const before = this.#reading.get(key);
    const reading = this.#after(before, key, wanted);
    this.#reading.set(key, reading);
    try {
      return await reading;
    } finally {
      if (this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  /** One segment by its number; undefined when there is none. */
  async segment({ streamId, rendition, mediaSequence }: SegmentPlace): Promise<Segment | undefined> {
    const [row] = await this.#reads.select(segmentTable, {
      where: [...conditions({ streamId, rendition }), { column: 'media_sequence', is: 'eq', value: mediaSequence }],
      limit: 1,
    });
    return row === undefined ? undefined : new SegmentRows().segment(row);
  }

  /** The first ones of a rendition from a number and a place on, in order. */
  async since(
    of: Pick<SegmentPlace, 'streamId' | 'rendition'>,
    { mediaSequence, startUs }: { readonly mediaSequence: number; readonly startUs: number },
    limit: number,
  ): Promise<readonly Segment[]> {
    const where: readonly ReadCondition[] = [...conditions(of), { column: 'start_us', is: 'gte', value: BigInt(startUs) }];
    const rows = new SegmentRows();
    return (await this.#select(where, mediaSequence, limit)).map((row) => rows.segment(row));
  }

  /** Those behind a discontinuity from a number on, in order. */
  async breaks(of: Pick<SegmentPlace, 'streamId' | 'rendition'>, from: number): Promise<readonly Segment[]> {
    const rows = new SegmentRows();
    return (await this.#select([...conditions(of), { column: 'discontinuity', is: 'eq', value: true }], from)).map((row) => rows.segment(row));
  }

  async #after(before: Promise<SegmentList> | undefined, key: string, wanted: WantedSegments): Promise<SegmentList> {
    // Whatever became of it, this one reads for itself what is still missing.
    await before?.catch(() => undefined);
    const known = this.#kept.get(key);
    const kept =
      known === undefined || Math.max(0, wanted.fromUs - marginUs) < known.coveredUs ? await this.#readAll(wanted) : await this.#readOn(known, wanted);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    this.#forgetOldest(key);
    return { segments: kept.segments, beginnings: kept.beginnings };
  }

  async #readAll(wanted: WantedSegments): Promise<Kept> {
    const rows = new SegmentRows();
    const coveredUs = Math.max(0, wanted.fromUs - slackUs);
    const of = conditions(wanted);
    const [segments, first, breaks] = await Promise.all([
      this.#pages([...of, { column: 'start_us', is: 'gte', value: BigInt(coveredUs) }], wanted.last),
      this.#select(of, 0, 1),
      this.#select([...of, { column: 'discontinuity', is: 'eq', value: true }], 0),
    ]);
    return {
      rows,
      coveredUs,
      segments: segments.map((row) => rows.segment(row)),
      beginnings: [...first.filter((row) => row['discontinuity'] !== true), ...breaks].map((row) => rows.segment(row)),
    };
  }

  /** What came since; what became older than anybody asks for is let go. */
  async #readOn(kept: Kept, wanted: WantedSegments): Promise<Kept> {
    const newest = kept.segments.at(-1)?.mediaSequence;
    if (newest !== undefined && newest >= wanted.last) return kept;
    const from = kept.segments.at(-overlapSegments)?.mediaSequence ?? kept.segments[0]?.mediaSequence ?? 0;
    const fresh = (await this.#pages([...conditions(wanted), { column: 'media_sequence', is: 'gte', value: from }], wanted.last)).map((row) =>
      kept.rows.segment(row),
    );
    const coveredUs = Math.max(kept.coveredUs, wanted.fromUs - slackUs);
    const old = kept.segments.filter(({ mediaSequence, startUs }) => mediaSequence < from && startUs >= coveredUs);
    const isBeginning = ({ mediaSequence, discontinuity }: Segment): boolean => discontinuity || mediaSequence === kept.beginnings[0]?.mediaSequence;
    const before = kept.beginnings.filter(({ mediaSequence }) => mediaSequence < from);
    const beginnings = kept.beginnings.length === 0 ? fresh.slice(0, 1) : [...before, ...fresh.filter(isBeginning)];
    return { rows: kept.rows, coveredUs, segments: [...old, ...fresh], beginnings };
  }

  async #pages(where: readonly ReadCondition[], last: number): Promise<readonly ReadRow[]> {
    const rows: ReadRow[] = [];
    for (let from = 0; rows.length < listMax;) {
      const page = await this.#select([...where, { column: 'media_sequence', is: 'lte', value: last }], from);
      rows.push(...page);
      if (page.length < pageRows) break;
      from = Number(page.at(-1)?.['media_sequence']) + 1;
    }
    return rows;
  }

  #select(where: readonly ReadCondition[], from: number, limit = pageRows): Promise<readonly ReadRow[]> {
    const after: readonly ReadCondition[] = from === 0 ? [] : [{ column: 'media_sequence', is: 'gte', value: from }];
    return this.#reads.select(segmentTable, { where: [...where, ...after], orderBy: [{ column: 'media_sequence' }], limit });
  }

  #forgetOldest(used: string): void {
    for (const key of this.#kept.keys()) {
      if (key === used || this.size <= this.#init.segmentsMax) return;
      this.#kept.delete(key);
    }
  }
}

function conditions({ streamId, rendition }: Pick<WantedSegments, 'streamId' | 'rendition'>): ReadCondition[] {
  return [
    { column: 'stream_id', is: 'eq', value: streamId },
    { column: 'rendition', is: 'eq', value: rendition },
  ];
}
