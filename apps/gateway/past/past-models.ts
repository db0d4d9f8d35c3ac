import { discardHeads, leftOutOf, type KnownParked } from '#domain/operation';
import { hasCode, type OperatingError } from '#kernel';
import type { AggregateStore, Clock, EventLog, PastStore, ProjectionBuilds, ReadRow, VersionView } from '#ports';
import { PastReadStore, pieceEventsDefault, type LeftOut } from '#runtime';
import type { ResumeTokens } from '../events/resume-token.codec.ts';
import { Turns } from '../events/turns.ts';
import { ProblemError, unavailable } from '../http/problem.errors.ts';
import { projections } from '#read-models';
import { asOfProblem, readAsOf, type AsOf } from './as-of.ts';

export interface PastModelsDeps {
  readonly log: EventLog;
  readonly past: PastStore;
  readonly builds: Pick<ProjectionBuilds, 'versions'>;
  readonly tokens: ResumeTokens;
  readonly clock: Clock;
  readonly aggregates: AggregateStore;
}

/** Read models as they stood at a moment. */
export interface Past {
  readonly asOf: AsOf;
  readonly reads: PastReadStore;
}

export const pastLimits = {
  /** A partition's newest piece may be one piece late, and a busy log grows while it is folded: beyond that the answer is to wait. */
  tailMax: pieceEventsDefault * 16,
  rowsMax: 200_000,
  /** Questions about the past that are answered at once, and that wait: each may read thousands of events. */
  atOnce: 4,
  waitingMax: 64,
} as const;

/** What it was is settled once no clock of the platform can be so late as to record something under that time. */
const settledMs = 60_000;

/** Answers questions about the past, a few at a time. */
export class PastModels {
  readonly #deps: PastModelsDeps;
  readonly #turns = new Turns(pastLimits.atOnce);
  #waiting = 0;

  constructor(deps: PastModelsDeps) {
    this.#deps = deps;
  }

  /**
   * Lets `read` see the read models as of a time or token.
   * @param field where it came in, as problems name it
   * @throws ProblemError 400 `invalid-request`, `as-of-in-future`, `as-of-before-log`, `token-invalid`, `token-of-other-filter`;
   *   410 `position-truncated`, 422 `as-of-too-large`, 503 `as-of-not-ready`
   */
  async at<T>(text: string, field: string, read: (past: Past) => Promise<T>): Promise<T> {
    const { log, past, tokens, clock } = this.#deps;
    const asOf = readAsOf(text, field, { log, tokens, nowMs: clock.now() });
    if (this.#waiting >= pastLimits.waitingMax) throw unavailable('Too many questions about the past are being answered. Try again shortly.');
    this.#waiting++;
    try {
      await this.#turns.enter();
    } finally {
      this.#waiting--;
    }
    try {
      const leftOut = (projection: string): Promise<LeftOut> => this.#leftOut(projection);
      const serving = (projection: string): Promise<VersionView | undefined> => this.#serving(projection);
      const reads = new PastReadStore({ projections, moment: asOf, ...pastLimits }, { log, past, leftOut, serving });
      return await read({ asOf, reads });
    } catch (error) {
      throw await this.#problemOf(error, asOf, field);
    } finally {
      this.#turns.leave();
    }
  }

  /** Rows as of a time or token. @throws ProblemError as `at` does; `as-of-before-log` where there are none for want of a log */
  rowsAt(text: string, field: string, read: (reads: PastReadStore) => Promise<readonly ReadRow[]>): Promise<readonly ReadRow[]> {
    return this.at(text, field, async ({ asOf, reads }) => {
      const rows = await read(reads);
      if (rows.length === 0) await this.requireBegun(asOf, field);
      return rows;
    });
  }

  /** True when nothing can be recorded any more that would belong to the moment: the answer may be kept for ever. */
  isSettled({ atMs }: AsOf): boolean {
    return atMs === undefined || atMs < this.#deps.clock.now() - settledMs;
  }

  /** What was not there may be so because the log had not begun: then that is said. */
  async #problemOf(error: unknown, asOf: AsOf, field: string): Promise<unknown> {
    if (error instanceof ProblemError && error.init.status === 404) return (await this.#beforeLog(asOf, field)) ?? error;
    const message = (error as Error).message;
    if (hasCode(error, 'PAST_AHEAD')) return asOfProblem('as-of-in-future', field, `${message} The token is of another log, or of a newer state of this one.`);
    if (hasCode(error, 'PAST_TRUNCATED')) return new ProblemError({ status: 410, code: 'position-truncated', detail: message, cause: error });
    if (hasCode(error, 'PAST_TOO_LARGE')) return new ProblemError({ status: 422, code: 'as-of-too-large', detail: message, cause: error as OperatingError });
    if (hasCode(error, 'PAST_NOT_KEPT'))
      return new ProblemError({ status: 503, code: 'as-of-not-ready', detail: `${message} Try again shortly.`, headers: { 'retry-after': '5' }, cause: error });
    return error;
  }

  /** Nothing was found: @throws ProblemError 400 `as-of-before-log` when that is because there was no log yet. */
  async requireBegun(asOf: AsOf, field: string): Promise<void> {
    const problem = await this.#beforeLog(asOf, field);
    if (problem !== undefined) throw problem;
  }

  async #leftOut(projection: string): Promise<LeftOut> {
    return leftOutOf(
      projection,
      (await this.#deps.aggregates.find(...discardHeads)).map(({ state }) => state as KnownParked),
    );
  }

  async #serving(projection: string): Promise<VersionView | undefined> {
    return (await this.#deps.builds.versions()).find((one) => one.projection === projection && one.serving);
  }

  async #beforeLog({ atMs }: AsOf, field: string): Promise<ProblemError | undefined> {
    if (atMs === undefined) return undefined;
    const begunMs = await this.#begunAtMs();
    if (begunMs === undefined || atMs >= begunMs) return undefined;
    return asOfProblem('as-of-before-log', field, `The log begins at ${new Date(begunMs).toISOString()}: there is nothing before.`);
  }

  async #begunAtMs(): Promise<number | undefined> {
    const { log } = this.#deps;
    const topics = [...new Set(projections.flatMap(({ contexts }) => contexts))];
    const times = await Promise.all(
      topics.map(async (topic) => {
        const heads = await log.heads(topic);
        const first = await Promise.all(
          heads
            .filter(({ low, high }) => high > low)
            .map(async ({ partition, low }) => (await log.read(topic, partition, low, { recordsMax: 1, bytesMax: 1, waitMs: 0 })).records[0]?.recordedAt),
        );
        return first.filter((time) => time !== undefined);
      }),
    );
    const all = times.flat();
    return all.length === 0 ? undefined : Math.min(...all);
  }
}
