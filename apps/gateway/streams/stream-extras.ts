import type { DateRange, ThumbnailImage } from '#core/hls';
import { streamMarkerTable, thumbnailTable } from '#domain/stream';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';

/** What select gives at once: a day of pictures, one image every ten seconds. */
const rowsMax = 10_000;
/** Newer markers of a stream than these are not told. */
const markersMax = 1000;
/** Playlists are rendered more often than markers change, ms. */
const markersKeptMs = 1000;
const streamsKept = 1000;

/** As long for pictures, of which one comes every ten seconds, ms. */
const imagesKeptMs = 1000;

interface KeptImages {
  /** What is held is all that begin here or later, microseconds. */
  readonly fromUs: number;
  readonly images: Promise<readonly ThumbnailImage[]>;
  readonly atMs: number;
}

interface Kept {
  readonly ranges: Promise<readonly DateRange[]>;
  readonly atMs: number;
}

const ofStream = (streamId: string): ReadCondition => ({ column: 'stream_id', is: 'eq', value: streamId });

/** What goes with a stream's media in its playlists: small pictures, and what stretches of it mean. */
export class StreamExtras {
  readonly #reads: ReadStore;
  readonly #now: () => number;
  readonly #markers = new Map<string, Kept>();
  readonly #images = new Map<string, KeptImages>();

  constructor(reads: ReadStore, now: () => number = () => performance.now()) {
    this.#reads = reads;
    this.#now = now;
  }

  /**
   * Pictures of everything that ends after a place on the stream's timeline, in order; the newest are at most a second old. Of a
   * stream whose manifest is rendered again and again only what is new is read.
   */
  async images(streamId: string, fromUs: number): Promise<readonly ThumbnailImage[]> {
    // An image that begins a little before the place reaches into it.
    const sinceUs = Math.max(0, Math.floor(fromUs) - 30_000_000);
    const known = this.#images.get(streamId);
    const covers = known !== undefined && known.fromUs <= sinceUs;
    const images = covers && this.#now() - known.atMs < imagesKeptMs ? known.images : this.#keep(streamId, sinceUs, covers ? known : undefined);
    return (await images).filter(({ startUs, durationUs }) => startUs + durationUs > fromUs);
  }

  #keep(streamId: string, fromUs: number, known: KeptImages | undefined): Promise<readonly ThumbnailImage[]> {
    if (this.#images.size >= streamsKept) this.#images.clear();
    const images = this.#readImages(streamId, fromUs, known?.images);
    this.#images.set(streamId, { fromUs, images, atMs: this.#now() });
    // The first picture is seen at once: its stream's playlists name it from then on.
    const forget = (): void => void (this.#images.get(streamId)?.images === images && this.#images.delete(streamId));
    images.then((all) => void (all.length === 0 && forget()), forget);
    return images;
  }

  async #readImages(streamId: string, fromUs: number, before: Promise<readonly ThumbnailImage[]> = Promise.resolve([])): Promise<readonly ThumbnailImage[]> {
    const known = (await before).filter(({ startUs }) => startUs >= fromUs);
    // The newest may have been replaced by a successor's.
    const sinceUs = known.at(-1)?.startUs ?? fromUs;
    const since: ReadCondition = { column: 'start_us', is: 'gte', value: BigInt(sinceUs) };
    const where = sinceUs <= 0 ? [ofStream(streamId)] : [ofStream(streamId), since];
    const rows = await this.#reads.select(thumbnailTable, { where, orderBy: [{ column: 'start_us' }], limit: rowsMax });
    return [...known.filter(({ startUs }) => startUs < sinceUs), ...rows.map(imageOf)];
  }

  /** What the picture that begins at a place was stored as; undefined when there is none. */
  async imageCid(streamId: string, startUs: number): Promise<string | undefined> {
    const at: ReadCondition = { column: 'start_us', is: 'eq', value: BigInt(startUs) };
    const [row] = await this.#reads.select(thumbnailTable, { where: [ofStream(streamId), at], limit: 1 });
    return row === undefined ? undefined : imageOf(row).cid;
  }

  /** The newest, the oldest of them first. */
  async lastImages(streamId: string, limit: number): Promise<readonly ThumbnailImage[]> {
    const orderBy = [{ column: 'media_sequence', descending: true }];
    return (await this.#reads.select(thumbnailTable, { where: [ofStream(streamId)], orderBy, limit })).map(imageOf).toReversed();
  }

  /** At most a second old; older while rows cannot be read, because what was told of a stretch is not taken back. */
  ranges(streamId: string): Promise<readonly DateRange[]> {
    const known = this.#markers.get(streamId);
    if (known !== undefined && this.#now() - known.atMs < markersKeptMs) return known.ranges;
    if (this.#markers.size >= streamsKept) this.#markers.clear();
    const read = this.markers(streamId).then((rows) => rows.map(rangeOf));
    const ranges = known === undefined ? read : read.catch(() => known.ranges);
    this.#markers.set(streamId, { ranges, atMs: this.#now() });
    ranges.catch(() => this.#markers.delete(streamId));
    return ranges;
  }

  /** Rows of markers, the newest first. */
  markers(streamId: string): Promise<readonly ReadRow[]> {
    return this.#reads.select(streamMarkerTable, { where: [ofStream(streamId)], orderBy: [{ column: 'start_ms', descending: true }], limit: markersMax });
  }
}

function imageOf(row: ReadRow): ThumbnailImage {
  return {
    cid: String(row['cid']),
    sizeBytes: Number(row['size_bytes']),
    startUs: Number(row['start_us']),
    durationUs: Number(row['duration_us']),
    programDateTimeMs: Number(row['program_date_time_ms']),
    columns: Number(row['columns']),
    rows: Number(row['rows']),
    width: Number(row['width']),
    height: Number(row['height']),
  };
}

function rangeOf(row: ReadRow): DateRange {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]));
  const number = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return {
    id: String(row['marker_id']),
    class: text('class'),
    startMs: Number(row['start_ms']),
    durationMs: number('duration_ms'),
    plannedDurationMs: number('planned_duration_ms'),
    endsOnNext: row['ends_on_next'] === true,
    scte35Cmd: text('scte35_cmd'),
    scte35Out: text('scte35_out'),
    scte35In: text('scte35_in'),
    attributes: (row['attributes'] ?? []) as DateRange['attributes'],
  };
}
