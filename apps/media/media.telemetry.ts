import { metrics, type Telemetry } from '#runtime';
import type { StreamDirector } from './live/stream-director.ts';
import type { MediaCounters } from './media-counters.ts';

/** Shows what the encoders do when somebody asks. */
export function observeMedia({ meter }: Telemetry, director: StreamDirector, counters: MediaCounters): void {
  const running = meter.gauge(metrics.encoders);
  const totals = [
    [meter.counter(metrics.encoderRestarts), 'encoderRestarts'],
    [meter.counter(metrics.encoderSteps), 'encoderSteps'],
    [meter.counter(metrics.segments), 'segments'],
    [meter.counter(metrics.segmentBytes), 'segmentBytes'],
  ] as const;
  meter.onCollect('media', () => {
    running.set(director.encoding, {});
    for (const [counter, name] of totals) counter.reach(counters[name], {});
  });
}
