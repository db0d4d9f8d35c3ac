import { fieldValue, type Fields } from '#core/http-cache';
import { BoundedMemo } from '../cache/bounded-memo.ts';
import type { OriginRequest } from './origin-client.ts';

/** How long an origin is asked on connections of their own after an answer that may have more behind it, ms. */
const mistrustMs = 600_000;
/** Origins that are remembered so. */
const originsMax = 10_000;

/**
 * Which origins may be asked again on a connection over which they have answered, where the runtime keeps the connections and reads
 * the answers. An answer without a body may be followed by one all the same (RFC 9112 section 9.3), and one with two lengths by more
 * than either: what is left would be read as the answer to whoever asks next.
 */
export class FramingTrust {
  readonly #mistrusted = new BoundedMemo<true>(originsMax, mistrustMs);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether the connection of a request may be one that was there, and be there afterwards. */
  mayKeep(origin: string, { method }: Pick<OriginRequest, 'method'>): boolean {
    return method !== 'HEAD' && this.#mistrusted.get(origin, this.#now()) === undefined;
  }

  /** Looks at an answer that came for a request. */
  saw(origin: string, { method }: Pick<OriginRequest, 'method'>, status: number, fields: Fields): void {
    const coded = fieldValue(fields, 'transfer-encoding') !== undefined;
    const length = fieldValue(fields, 'content-length');
    const isBare = status === 204 || status === 304;
    const isDoubtful = (coded && length !== undefined) || (isBare && (coded || (length !== undefined && length !== '0')));
    if (method === 'HEAD' || !isDoubtful) return;
    this.#mistrusted.set(origin, true, this.#now());
  }
}
