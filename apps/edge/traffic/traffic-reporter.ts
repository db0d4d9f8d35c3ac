import { popularityReported, requestsServed, topicPartitions, trafficLimits, trafficReported, type Context } from '#events';
import { hasCode } from '#kernel';
import type { EventLog } from '#ports';
import { pause, type CatalogueDraft, type Logger } from '#runtime';
import type { EdgeFacts } from '../facts/edge-facts.ts';
import { hourMs, type Periods, type PeriodNews } from './periods.ts';
import type { Picker } from './picker.core.ts';
import { Popularity, type ZoneObjects } from './popularity.ts';
import type { LineBatch, RequestLog } from './request-log.ts';
import { ClientNames, entryOf, type RequestLine } from './request-line.ts';

export const trafficTopic: Context = 'traffic';

export interface TrafficReporterInit {
  readonly edgeId: string;
  readonly region: string;
  readonly incarnation: number;
}

export interface TrafficReporterDeps {
  readonly log: Pick<EventLog, 'ensureTopic'>;
  readonly facts: Pick<EdgeFacts, 'publish'>;
  readonly periods: Periods;
  readonly picker: Picker;
  readonly requests: RequestLog;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onFatal: (error: unknown) => void;
}

const tickMs = 1000;
/** Lines are told this often, the running minute and the running hour less often; the last word of each comes when it is over. */
const every = { linesMs: 2000, minuteMs: 10_000, hourMs: 60_000 } as const;
/** An hour whose favourites could not be told for so many more is given up. */
const hoursWaitingMax = 24;

interface Hour {
  readonly startMs: number;
  readonly popularity: Popularity;
}

/** Tells the log what was recorded. It waits for the log as long as that takes; what is recorded meanwhile is bounded. */
export class TrafficReporter {
  readonly #init: TrafficReporterInit;
  readonly #deps: TrafficReporterDeps;
  readonly #names = new ClientNames();
  readonly #pastHours: Hour[] = [];
  #hour: Hour;
  #minuteToldMs = 0;
  #hourToldMs = 0;

  constructor(init: TrafficReporterInit, deps: TrafficReporterDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#hour = hourOf(deps.now());
  }

  /** A line whose answer has ended. */
  take(line: RequestLine): void {
    this.#hour.popularity.count(line);
    this.#deps.requests.add(line);
  }

  /** Until the edge stops; then once more, for what came last. */
  async run(stopping: AbortSignal): Promise<void> {
    const ticking = setInterval(() => this.#tick(), tickMs);
    ticking.unref();
    while (!stopping.aborted && !(await this.#hasTopic())) await pause(every.linesMs, stopping);
    while (!stopping.aborted) {
      await this.#report(false);
      await pause(every.linesMs, stopping);
    }
    clearInterval(ticking);
  }

  /** What was recorded up to now, whether it is due or not. */
  async finish(): Promise<void> {
    this.#tick();
    await this.#report(true);
  }

  #tick(): void {
    const { now, periods, picker } = this.#deps;
    const nowMs = now();
    picker.tick();
    periods.roll(nowMs);
    if (nowMs < this.#hour.startMs + hourMs) return;
    this.#pastHours.push(this.#hour);
    this.#pastHours.splice(0, this.#pastHours.length - hoursWaitingMax);
    this.#hour = hourOf(nowMs);
  }

  async #hasTopic(): Promise<boolean> {
    try {
      await this.#deps.log.ensureTopic(trafficTopic, topicPartitions);
      return true;
    } catch (err) {
      this.#deps.logger.warn({ err }, 'the log does not take what is recorded of the traffic; trying again');
      return false;
    }
  }

  async #report(last: boolean): Promise<void> {
    const { now, periods, requests } = this.#deps;
    for (const batch of requests.take()) await this.#tellLines(batch);
    const nowMs = now();
    const news = [...periods.finished()];
    if (last || nowMs - this.#minuteToldMs >= every.minuteMs) {
      this.#minuteToldMs = nowMs;
      news.push(...periods.running('minute'));
    }
    const hourly = last || nowMs - this.#hourToldMs >= every.hourMs;
    if (hourly) {
      this.#hourToldMs = nowMs;
      news.push(...periods.running('hour'));
    }
    for (const one of news) await this.#tellPeriod(one);
    for (const hour of this.#pastHours.splice(0)) await this.#tellObjects(hour);
    if (hourly) await this.#tellObjects(this.#hour);
  }

  async #tellLines(batch: LineBatch): Promise<void> {
    const { dropped, lines, sampleRate, tenant } = batch;
    const requests = lines.map((line) => entryOf(line, this.#names));
    if (await this.#publish(tenant, [requestsServed.draft({ ...this.#init, sampleRate, dropped, requests })])) this.#deps.requests.told(batch);
    else this.#deps.requests.lost(batch);
  }

  async #tellPeriod({ period, startMs, tenant, zones }: PeriodNews): Promise<void> {
    for (let at = 0; at < zones.length; at += trafficLimits.zonesMax)
      await this.#publish(tenant, [trafficReported.draft({ ...this.#init, startMs, period, zones: zones.slice(at, at + trafficLimits.zonesMax) })]);
  }

  async #tellObjects({ popularity, startMs }: Hour): Promise<void> {
    const drafts = (objects: readonly ZoneObjects[]): CatalogueDraft[] =>
      objects.map(({ tenant: _tenant, ...one }) => popularityReported.draft({ ...this.#init, hourMs: startMs, ...one }));
    for (const [tenant, objects] of Map.groupBy(popularity.report(), (one) => one.tenant))
      for (const draft of drafts(objects)) await this.#publish(tenant, [draft]);
  }

  /** False when the log will not have it, however often it is tried: that is no reason for an edge not to serve. */
  async #publish(tenant: string, drafts: readonly CatalogueDraft[]): Promise<boolean> {
    try {
      await this.#deps.facts.publish(trafficTopic, drafts, tenant === '' ? undefined : tenant);
      return true;
    } catch (err) {
      if (hasCode(err, 'PRODUCER_FENCED')) this.#deps.onFatal(err);
      else this.#deps.logger.error({ err }, 'what was recorded of the traffic is lost: the log will not have it');
      return false;
    }
  }
}

function hourOf(nowMs: number): Hour {
  return { startMs: nowMs - (nowMs % hourMs), popularity: new Popularity() };
}
