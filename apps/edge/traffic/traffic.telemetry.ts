import { metrics, type Telemetry } from '#runtime';
import type { Periods } from './periods.ts';
import type { Picker } from './picker.core.ts';
import type { RequestLog } from './request-log.ts';

export interface TrafficMeasured {
  readonly periods: Pick<Periods, 'lost' | 'totals'>;
  readonly picker: Pick<Picker, 'weight'>;
  readonly requests: Pick<RequestLog, 'counts' | 'waiting'>;
  readonly sample: number;
}

/** Shows when somebody asks what is recorded anyhow. */
export function observeTraffic({ meter }: Telemetry, { periods, picker, requests, sample }: TrafficMeasured): void {
  const lines = meter.counter(metrics.edgeLogLines);
  const [waiting, rate] = [meter.gauge(metrics.edgeLogWaiting), meter.gauge(metrics.edgeLogSample)];
  const lost = meter.counter(metrics.edgeTrafficLost);
  const [requestsBy, bytesBy, hitsBy] = [meter.counter(metrics.edgeZoneRequests), meter.counter(metrics.edgeZoneBytes), meter.counter(metrics.edgeZoneHits)];
  meter.onCollect('edge traffic', () => {
    lines.reach(requests.counts.told, { outcome: 'told' });
    lines.reach(requests.counts.dropped, { outcome: 'dropped' });
    waiting.set(requests.waiting, {});
    rate.set(sample / picker.weight, {});
    lost.reach(periods.lost, {});
    for (const [zone, total] of periods.totals()) {
      requestsBy.reach(total.requests, { zone });
      bytesBy.reach(total.bytes, { zone });
      hitsBy.reach(total.hits, { zone });
    }
  });
}
