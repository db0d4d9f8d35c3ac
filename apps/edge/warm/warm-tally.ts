import { warmFailuresMax, type DraftOf, type warmFinished } from '#events';

type Told = Pick<DraftOf<typeof warmFinished>['data'], 'urls' | 'present' | 'fetched' | 'failed' | 'bytes' | 'failures'>;

/** Why something is not here after all. */
export interface WarmFault {
  /** The origin's; null where it did not answer. */
  readonly status: number | null;
  readonly reason: string;
}

/** Of all failures together, characters: they must fit a record of the log in any encoding. */
const charsMax = 100_000;
const reasonCharsMax = 300;

/** What an edge tells of a warming: counts of all, and the first failures with their reasons. */
export class WarmTally {
  urls = 0;
  present = 0;
  fetched = 0;
  bytes = 0;
  #failed = 0;
  #chars = 0;
  readonly #failures: Array<Told['failures'][number]> = [];

  fail(url: string, { reason, status }: WarmFault): void {
    this.#failed++;
    this.#chars += url.length + reasonCharsMax;
    if (this.#failures.length >= warmFailuresMax || this.#chars > charsMax) return;
    this.#failures.push({ url, status, reason: reason.replaceAll('\0', '').slice(0, reasonCharsMax) });
  }

  told(): Told {
    const { bytes, fetched, present, urls } = this;
    return { urls, present, fetched, failed: this.#failed, bytes, failures: [...this.#failures] };
  }
}
