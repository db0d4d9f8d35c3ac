import { cacheOutcomes, latencyBoundsMs, popularityReported, statusClasses, trafficReported, type ZoneTraffic } from '#events';
import type { World } from './gateway.fixture.ts';

const hourMs = 3_600_000;

export interface ToldTraffic {
  readonly edgeId?: string;
  readonly region?: string;
  readonly tenant?: string;
  readonly zone?: string | null;
  /** Of the minute; the hour is told with it. */
  readonly startMs: number;
  /** Hits of 1 kB below a millisecond, and misses of 1 kB between 50 and 100 ms, of which so many are not found. */
  readonly hits: number;
  readonly misses?: number;
  readonly notFound?: number;
  readonly objects?: readonly { readonly path: string; readonly requests: number; readonly host?: string }[];
}

function countersOf({ hits, misses = 0, notFound = 0, zone = null }: ToldTraffic): ZoneTraffic {
  const requests = hits + misses;
  const none = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  const latency = Array.from({ length: latencyBoundsMs.length + 1 }, () => 0);
  latency[0] = hits;
  latency[latencyBoundsMs.indexOf(100)] = misses;
  return {
    ...{ zone, requests, bytes: 1000 * requests, bytesCached: 1000 * hits, latency },
    statuses: { ...none(statusClasses), '2xx': requests - notFound, '4xx': notFound },
    cache: { ...none(cacheOutcomes), hit: hits, miss: misses },
  };
}

/** As an edge tells of its traffic: the minute, the hour as if there had been nothing else in it, and what was asked for most. */
export async function announceTraffic(world: World, told: ToldTraffic): Promise<void> {
  const { edgeId = 'edge-1', objects = [], region = 'local', startMs, tenant = 'default', zone = null } = told;
  const common = { edgeId, region, incarnation: 1_700_000_000_000 + (startMs % hourMs) };
  const hour = startMs - (startMs % hourMs);
  const counters = countersOf(told);
  const producer = { id: `edge:${edgeId}`, epoch: 1n };
  await world.facts.publish(
    'traffic',
    [
      trafficReported.draft({ ...common, startMs, period: 'minute', zones: [counters] }),
      trafficReported.draft({ ...common, startMs: hour, period: 'hour', zones: [counters] }),
      popularityReported.draft({ ...common, zone, hourMs: hour, objects: objects.map((one) => ({ host: 'www.example', bytes: 1000 * one.requests, ...one })) }),
    ],
    { producer, tenant },
  );
}
