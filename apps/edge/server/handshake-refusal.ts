import type { Fields } from '#core/http-cache';
import { edgeLimits } from '../edge.constants.ts';
import { FieldLines, Http1Error, Http1Response, type Http1Head, type Http1Sink } from '../origin/http1-response.codec.ts';
import type { TunnelOutcome } from './exchange.ts';

/** Of the body of a refusal; what is longer is left out, bytes. */
export const refusalBytesMax = 64 * 1024;

const notUnderstood: TunnelOutcome = { kind: 'failed', error: 'http_upgrade_failed' };

/** Reads how an origin answers a handshake that it refuses. */
export class RefusalReader implements Http1Sink {
  readonly #reader = new Http1Response('GET', edgeLimits.origin.headBytesMax, this, new FieldLines());
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #head: Http1Head | undefined;
  #state: 'open' | 'whole' | 'useless' = 'open';

  /** Whether more of it would change anything. */
  get done(): boolean {
    return this.#state !== 'open' || this.#bytes > refusalBytesMax;
  }

  head(head: Http1Head): void {
    this.#head = head;
  }

  body(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= refusalBytesMax) this.#chunks.push(Uint8Array.from(bytes));
  }

  end(): void {
    this.#state = 'whole';
  }

  push(bytes: Buffer): void {
    this.#try(() => this.#reader.push(bytes));
  }

  /** Nothing follows. */
  close(): void {
    this.#try(() => this.#reader.close());
  }

  /** As far as it has come: of a body that is not whole nothing is passed on. */
  outcome(): TunnelOutcome {
    if (this.#head === undefined) return notUnderstood;
    const { fields, status } = this.#head;
    const isWhole = this.#state === 'whole' && this.#bytes <= refusalBytesMax && this.#bytes > 0;
    return { kind: 'refused', status, fields: withoutLength(fields), body: isWhole ? Buffer.concat(this.#chunks) : null };
  }

  #try(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#state = 'useless';
    }
  }
}

/** The server states it. */
function withoutLength(fields: Fields): Fields {
  return fields.filter(([name]) => name !== 'content-length' && name !== 'transfer-encoding');
}
