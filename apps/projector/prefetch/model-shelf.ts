import { decodeModel, encodeModel, type TransitionModel } from '#core/prefetch';
import { prefetchModelTable } from '#domain/edge';
import { hasCode } from '#kernel';
import type { BlobStore, ReadStore } from '#ports';

export interface ShelvedModel {
  readonly number: number;
  readonly cid: string | null;
  readonly model: TransitionModel;
  readonly publishedAtMs: number;
}

const nothing: TransitionModel = { trainedAtMs: 0, rows: new Map() };

/** Models as blobs, and which of them edges have. */
export class ModelShelf {
  readonly #reads: ReadStore;
  readonly #blobs: BlobStore;
  /** Of the models before: edges may still be reading them when the next is told of. */
  #past: string[] = [];
  /** What this process has told of: rows come later. */
  readonly #told = new Map<string, ShelvedModel>();

  constructor(reads: ReadStore, blobs: BlobStore) {
    this.#reads = reads;
    this.#blobs = blobs;
  }

  /** The newest that edges were told of; undefined where they never were. */
  async current(zone: string | null): Promise<ShelvedModel | undefined> {
    const where = [
      { column: 'zone_id', is: 'eq' as const, value: zone ?? '' },
      { column: 'origin', is: 'eq' as const, value: '' },
    ];
    const [row] = await this.#reads.select(prefetchModelTable, { where, limit: 1 });
    const told = this.#told.get(zone ?? '');
    const number = row === undefined ? 0 : Number(row['number']);
    if (told !== undefined && told.number >= number) return told;
    if (row === undefined) return undefined;
    const cid = row['cid'] === null ? null : String(row['cid']);
    const shelved = { number, cid, model: await this.#read(cid), publishedAtMs: Number(row['published_at_ms']) };
    this.#told.set(zone ?? '', shelved);
    return shelved;
  }

  async put(model: TransitionModel): Promise<{ readonly cid: string; readonly sizeBytes: number }> {
    return this.#blobs.put(encodeModel(model));
  }

  /** Edges have been told. */
  told(zone: string | null, shelved: ShelvedModel, before: string | null | undefined): void {
    this.#told.set(zone ?? '', shelved);
    if (before !== null && before !== undefined && before !== shelved.cid) this.#past.push(before);
  }

  /** Lets go of the models that others have replaced by the time of the last call. */
  async clear(): Promise<void> {
    const gone = this.#past;
    this.#past = [];
    for (const cid of gone) await this.#blobs.delete(cid);
  }

  /** One that is not there any more foresees nothing. */
  async #read(cid: string | null): Promise<TransitionModel> {
    if (cid === null) return nothing;
    try {
      return decodeModel(await this.#blobs.read(cid)) ?? nothing;
    } catch (error) {
      if (hasCode(error, 'BLOB_NOT_FOUND') || hasCode(error, 'BLOB_CORRUPT')) return nothing;
      throw error;
    }
  }
}
