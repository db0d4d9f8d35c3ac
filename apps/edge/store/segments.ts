import type { RecordPlace } from '#core/edge-store';
import type { StoreFile, StoreFolder } from './store-folder.ts';

interface Segment {
  readonly number: number;
  file: StoreFile | undefined;
  bytes: number;
  readers: number;
  removed: boolean;
}

const pattern = /^segment-(\d{1,10})\.dat$/;

export function segmentName(number: number): string {
  return `segment-${number}.dat`;
}

/** The number in a segment's name; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const match = pattern.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The segment files: one at the end takes records, the others are only read and removed. */
export class Segments {
  readonly #folder: StoreFolder;
  /** In the order of their age. */
  readonly #byNumber = new Map<number, Segment>();
  #bytes = 0;
  #last = 0;
  #open: Segment | undefined;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#byNumber.size;
  }

  /** The number of the newest one there ever was. */
  get last(): number {
    return this.#last;
  }

  /** How much the one that takes records holds; undefined when there is none. */
  get openBytes(): number | undefined {
    return this.#open?.bytes;
  }

  /** The oldest one, that which takes records apart. */
  get oldest(): number | undefined {
    for (const segment of this.#byNumber.values()) if (segment !== this.#open) return segment.number;
    return undefined;
  }

  /** Takes over what an earlier process left; to be called in the order of the numbers. */
  adopt(number: number, bytes: number): void {
    this.#byNumber.set(number, { number, bytes, file: undefined, readers: 0, removed: false });
    this.#bytes += bytes;
    this.#last = Math.max(this.#last, number);
  }

  holds(number: number, end: number): boolean {
    const segment = this.#byNumber.get(number);
    return segment !== undefined && end <= segment.bytes;
  }

  sizeOf(number: number): number {
    return this.#byNumber.get(number)?.bytes ?? 0;
  }

  /** No more records go into the one that takes them; the next call of {@link append} begins another. */
  seal(): void {
    this.#open = undefined;
  }

  /** Writes bytes at the end; where they lie. */
  async append(bytes: Uint8Array): Promise<{ readonly segment: number; readonly offset: number }> {
    this.#open ??= await this.#begin();
    const segment = this.#open;
    const offset = segment.bytes;
    await (segment.file as StoreFile).write(bytes, offset);
    segment.bytes += bytes.length;
    this.#bytes += bytes.length;
    return { segment: segment.number, offset };
  }

  /** The bytes of a record; undefined when its segment is gone, or ends before. */
  async read({ length, offset, segment: number }: Pick<RecordPlace, 'segment' | 'offset' | 'length'>): Promise<Uint8Array | undefined> {
    const segment = this.#byNumber.get(number);
    if (segment === undefined) return undefined;
    segment.readers++;
    try {
      segment.file ??= await this.#opened(segment);
      const bytes = new Uint8Array(length);
      return (await segment.file.read(bytes, offset)) === length ? bytes : undefined;
    } finally {
      segment.readers--;
      if (segment.removed) void this.#closeUnread(segment);
    }
  }

  /** The same at once, into memory of its length; false, too, when it would have to be waited for. */
  readNow({ length, offset, segment: number }: Pick<RecordPlace, 'segment' | 'offset' | 'length'>, into: Uint8Array): boolean {
    return this.#byNumber.get(number)?.file?.readNow(into, offset) === length;
  }

  /** Removes a segment; its file is closed when nobody reads it any more, so that no number is given to another meanwhile. */
  async remove(number: number): Promise<void> {
    const segment = this.#byNumber.get(number);
    if (segment === undefined) return;
    if (this.#open === segment) this.#open = undefined;
    this.#byNumber.delete(number);
    this.#bytes -= segment.bytes;
    segment.removed = true;
    await this.#folder.remove(segmentName(number));
    await this.#closeUnread(segment);
  }

  async removeAll(): Promise<void> {
    for (const number of [...this.#byNumber.keys()]) await this.remove(number);
  }

  async close(): Promise<void> {
    for (const segment of this.#byNumber.values()) {
      segment.removed = true;
      await this.#closeUnread(segment);
    }
    this.#byNumber.clear();
    this.#open = undefined;
  }

  async #begin(): Promise<Segment> {
    const number = ++this.#last;
    const file = await this.#folder.create(segmentName(number));
    const segment = { number, file, bytes: 0, readers: 0, removed: false };
    this.#byNumber.set(number, segment);
    return segment;
  }

  /** Two readers may open it at once: the second's is closed again. */
  async #opened(segment: Segment): Promise<StoreFile> {
    const file = await this.#folder.open(segmentName(segment.number));
    const first = segment.file;
    if (first === undefined) return file;
    await file.close();
    return first;
  }

  async #closeUnread(segment: Segment): Promise<void> {
    if (segment.readers > 0 || segment.file === undefined) return;
    const { file } = segment;
    segment.file = undefined;
    await file.close().catch(() => undefined);
  }
}
