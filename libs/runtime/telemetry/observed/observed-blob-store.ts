import { BlobStore, type BlobInfo, type ByteRange } from '#ports';
import type { Counter, Histogram } from '../metrics/meter.ts';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { activeSpan } from '../tracing/tracer.ts';
import { codeOf } from './error-code.ts';

type Operation = 'put' | 'stat' | 'read' | 'delete';

/** A blob store, seen from outside. */
export class ObservedBlobStore extends BlobStore {
  readonly #blobs: BlobStore;
  readonly #telemetry: Telemetry;
  readonly #seconds: Histogram<'operation'>;
  readonly #bytes: Counter<'operation'>;
  readonly #failures: Counter<'operation' | 'code'>;

  constructor(blobs: BlobStore, telemetry: Telemetry) {
    super();
    this.#blobs = blobs;
    this.#telemetry = telemetry;
    this.#seconds = telemetry.meter.histogram(metrics.blobSeconds);
    this.#bytes = telemetry.meter.counter(metrics.blobBytes);
    this.#failures = telemetry.meter.counter(metrics.blobErrors);
  }

  override async put(bytes: Uint8Array): Promise<BlobInfo> {
    const info = await this.#observed('put', () => this.#blobs.put(bytes));
    this.#bytes.add(bytes.byteLength, { operation: 'put' });
    return info;
  }

  override async putStream(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const info = await this.#observed('put', () => this.#blobs.putStream(source));
    this.#bytes.add(info.sizeBytes, { operation: 'put' });
    return info;
  }

  override stat(cid: string): Promise<BlobInfo | undefined> {
    return this.#observed('stat', () => this.#blobs.stat(cid));
  }

  override async read(cid: string, range?: ByteRange): Promise<Uint8Array> {
    const bytes = await this.#observed('read', () => this.#blobs.read(cid, range));
    this.#bytes.add(bytes.byteLength, { operation: 'read' });
    return bytes;
  }

  /** Counted piece by piece; how long it takes is the reader's doing. */
  override async *readStream(cid: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    try {
      for await (const piece of this.#blobs.readStream(cid, range)) {
        this.#bytes.add(piece.byteLength, { operation: 'read' });
        yield piece;
      }
    } catch (error) {
      this.#failures.add(1, { operation: 'read', code: codeOf(error) });
      throw error;
    }
  }

  override delete(cid: string): Promise<void> {
    return this.#observed('delete', () => this.#blobs.delete(cid));
  }

  /** A blob operation is a step of something larger, or not worth a trace. */
  #observed<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const { tracer } = this.#telemetry;
    if (!tracer.on || activeSpan() === undefined) return this.#measured(operation, work);
    return tracer.run({ name: `blob ${operation}`, kind: 'client' }, () => this.#measured(operation, work));
  }

  async #measured<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      const result = await work();
      this.#seconds.observe((performance.now() - begun) / 1000, { operation });
      return result;
    } catch (error) {
      this.#failures.add(1, { operation, code: codeOf(error) });
      throw error;
    }
  }
}
