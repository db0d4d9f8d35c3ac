import { Prng } from '#kernel';
import type { EventLog } from '#ports';
import type { Lifecycle, Logger, Telemetry } from '#runtime';
import { randomInt } from 'node:crypto';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { EdgeSettings } from '../edge.config.ts';
import type { EdgeFacts } from '../facts/edge-facts.ts';
import type { EdgeHandler } from '../server/exchange.ts';
import { Periods } from './periods.ts';
import { Picker } from './picker.core.ts';
import { RequestLog } from './request-log.ts';
import { TrafficRecorder } from './traffic-recorder.ts';
import { TrafficReporter } from './traffic-reporter.ts';
import { observeTraffic } from './traffic.telemetry.ts';

export interface RecordTrafficDeps {
  readonly cache: Pick<EdgeCache, 'zones'>;
  readonly facts: Pick<EdgeFacts, 'publish'>;
  readonly incarnation: number;
  readonly lifecycle: Lifecycle;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onFatal: (error: unknown) => void;
  readonly telemetry: Telemetry;
}

/** Lines wait for the log at most for so many seconds of the rate, and never more than so many. */
const waitSeconds = 30;
const waitingMax = 20_000;

/** Records what the edge answers, and tells the log until the edge stops. @returns what a handler is put into so that its answers are recorded */
export function recordTraffic(settings: EdgeSettings, deps: RecordTrafficDeps): (handler: EdgeHandler) => EdgeHandler {
  const { edgeId, region, traffic } = settings;
  if (!traffic.records) return (handler) => handler;
  const { cache, incarnation, lifecycle, now, onFatal, telemetry } = deps;
  const dice = new Prng(randomInt(2 ** 32));
  const periods = new Periods(now());
  const picker = new Picker({ perSecond: traffic.linesPerSecond, dice });
  const bounded = Math.min(waitingMax, Math.max(1000, traffic.linesPerSecond * waitSeconds));
  const requests = new RequestLog({ sample: traffic.sample, waitingMax: bounded, dice });
  const reporter = new TrafficReporter({ edgeId, region, incarnation }, { ...deps, periods, picker, requests });
  const recorder = new TrafficRecorder({
    periods,
    picker,
    zoneOf: (request) => cache.zones.siteOf(request.field('host')).zone,
    onLine: (line) => reporter.take(line),
    now,
  });
  observeTraffic(telemetry, { periods, picker, requests, sample: traffic.sample });
  const running = reporter.run(lifecycle.stopping).catch(onFatal);
  // After the last answer.
  lifecycle.onStop('work', 'traffic', () => running.then(() => reporter.finish()));
  return (handler) => recorder.record(handler);
}
