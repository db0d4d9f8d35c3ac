import type { Principal } from '#domain/access';
import { purgeTargetProblem } from '#domain/cache';
import type { Clock, ReadStore, ReadTotals } from '#ports';
import { ProblemError } from '../http/problem.errors.ts';
import { TrafficReader } from '../traffic/traffic-reader.ts';
import type { PurgeTargets } from './purge-targets.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What clients ask edges for most, as URLs that edges can be told to fetch. */
export class PopularUrls {
  readonly #traffic: TrafficReader;
  readonly #targets: PurgeTargets;
  readonly #clock: Clock;

  constructor(reads: ReadStore, totals: ReadTotals, targets: PurgeTargets, clock: Clock) {
    this.#traffic = new TrafficReader(reads, totals, clock);
    this.#targets = targets;
    this.#clock = clock;
  }

  /**
   * The caller's own, as far as they can be fetched again: of the last hour, or of the last day where that says too little.
   * @throws ProblemError 422 when there are none
   */
  async top(count: number, region: string | undefined, principal: Principal): Promise<readonly string[]> {
    let urls: readonly string[] = [];
    for (const span of [hourMs, dayMs]) {
      const found = await this.#traffic.popularUrls({ from: this.#clock.now() - span, region, limit: count }, principal);
      urls = await this.#targets.allowed(
        [...new Set(found)].filter((url) => purgeTargetProblem(url) === undefined),
        principal,
      );
      if (urls.length >= count) break;
    }
    if (urls.length > 0) return urls;
    const where = region === undefined ? 'No edge' : `No edge of the region ${region}`;
    const message = `body.top: ${where} has told of anything of yours that was asked for in the last day.`;
    const field = region === undefined ? 'body.top' : 'body.region';
    throw new ProblemError({ status: 422, code: 'nothing-popular', detail: message, errors: [{ field, message }] });
  }
}
