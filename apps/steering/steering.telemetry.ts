import { metrics, type Counter, type Telemetry } from '#runtime';

export interface SteeringMeasured {
  readonly registryAgeMs: () => number;
  readonly hasPlaces: () => boolean;
}

export interface SteeringMetrics {
  readonly steered: Counter<'quality'>;
  readonly dns: Counter<'outcome' | 'transport'>;
}

/** What watchers of steering see. */
export function steeringMetrics({ meter }: Telemetry, { hasPlaces, registryAgeMs }: SteeringMeasured): SteeringMetrics {
  const age = meter.gauge(metrics.steeringRegistryAge);
  const places = meter.gauge(metrics.steeringPlaces);
  meter.onCollect('steering', () => {
    age.set(registryAgeMs() / 1000, {});
    places.set(hasPlaces() ? 1 : 0, {});
  });
  return { steered: meter.counter(metrics.steeringRedirects), dns: meter.counter(metrics.steeringQueries) };
}
