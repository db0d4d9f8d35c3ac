import { wishSources } from '#core/prefetch';
import { OperatingError } from '#kernel';
import { metrics, type Telemetry } from '#runtime';
import type { EdgePrefetch } from './prefetch/edge-prefetch.ts';
import type { EdgeCache } from './cache/edge-cache.ts';
import type { Revalidator } from './cache/revalidator.ts';
import type { EdgeCounters } from './edge-counters.ts';
import type { DiskTier } from './store/disk-tier.ts';
import type { SharedTier } from './shared-tier/shared-tier.ts';
import type { PurgeTail } from './purge/purge-tail.ts';

export interface EdgeMeasured {
  readonly counters: EdgeCounters;
  readonly cache: EdgeCache;
  readonly disk: Pick<DiskTier, 'status'> | undefined;
  readonly shared: Pick<SharedTier, 'status'> | undefined;
  readonly tail: PurgeTail;
  readonly purgesKnown: () => boolean;
  readonly now: () => number;
}

/**
 * Shows the edge's own counters when somebody asks: a hit counts where it always did, and costs nothing more. An edge that
 * does not know what was purged lately serves, but is not where traffic should be sent.
 */
export function observeEdge({ meter, health }: Telemetry, { counters, cache, disk, shared, tail, purgesKnown, now }: EdgeMeasured): void {
  health.needs('purges', async () => {
    if (!purgesKnown()) throw new OperatingError('It is not known what was purged lately.', { code: 'PURGES_UNKNOWN', retryable: true });
  });
  health.remark('store', () => [...remarkOn('disk', disk?.status()), ...remarkOn('shared tier', shared?.status())]);
  const totals = [
    [meter.counter(metrics.edgeRequests), () => counters.requests],
    [meter.counter(metrics.edgeHits), () => counters.hits],
    [meter.counter(metrics.edgeMisses), () => counters.misses],
    [meter.counter(metrics.edgeCollapsed), () => counters.collapsed],
    [meter.counter(metrics.edgeFills), () => counters.originFetches],
    [meter.counter(metrics.edgeOriginErrors), () => counters.originErrors],
  ] as const;
  const bytes = meter.counter(metrics.edgeBytes);
  const gauges = [
    [meter.gauge(metrics.edgeFillsRunning), () => cache.fills.running],
    [meter.gauge(metrics.edgeObjects), () => cache.store.size],
    [meter.gauge(metrics.edgeMemoryBytes), () => cache.store.bytes],
    [meter.gauge(metrics.edgePurgeLag), () => (tail.knownUntilMs === 0 ? 0 : now() - tail.knownUntilMs) / 1000],
  ] as const;
  if (disk !== undefined) observeDisk(meter, disk);
  if (shared !== undefined) observeShared(meter, shared);
  if (cache.prefetch !== undefined) observePrefetch(meter, cache.prefetch);
  meter.onCollect('edge', () => {
    for (const [counter, total] of totals) counter.reach(total(), {});
    for (const [gauge, value] of gauges) gauge.set(value(), {});
    bytes.reach(counters.bytesServed, { direction: 'served' });
    bytes.reach(counters.bytesFromOrigin, { direction: 'origin' });
  });
}

/** What an edge serves without, so that nobody sees it by its answers. */
function remarkOn(name: string, status: { readonly state: string; readonly reason: string | undefined } | undefined): readonly string[] {
  return status === undefined || status.state === 'on' ? [] : [`the ${name} is ${status.state}: ${status.reason ?? 'no reason given'}`];
}

const revalidationOutcomes = ['confirmed', 'changed', 'failed'] as const;

/** What came of asking origins about what many ask for. */
export function observeRevalidations({ meter }: Telemetry, revalidator: Pick<Revalidator, 'counts'>): void {
  const revalidations = meter.counter(metrics.edgeRevalidations);
  meter.onCollect('edge revalidations', () => {
    const { counts } = revalidator;
    for (const outcome of revalidationOutcomes) revalidations.reach(counts[outcome], { outcome });
  });
}

const diskStates = { on: 1, paused: 0.5, off: 0 } as const;

function observeDisk(meter: Telemetry['meter'], disk: Pick<DiskTier, 'status'>): void {
  const [state, objects, bytes] = [meter.gauge(metrics.edgeDiskState), meter.gauge(metrics.edgeDiskObjects), meter.gauge(metrics.edgeDiskBytes)];
  const [hits, faults] = [meter.counter(metrics.edgeDiskHits), meter.counter(metrics.edgeDiskFaults)];
  meter.onCollect('edge disk', () => {
    const status = disk.status();
    state.set(diskStates[status.state], {});
    objects.set(status.objects, {});
    bytes.set(status.bytes, {});
    hits.reach(status.hits, {});
    faults.reach(status.faults, {});
  });
}

function observeShared(meter: Telemetry['meter'], shared: Pick<SharedTier, 'status'>): void {
  const states = { on: 1, full: 0.5, away: 0 };
  const state = meter.gauge(metrics.edgeSharedState);
  const lookups = meter.counter(metrics.edgeSharedLookups);
  const writes = meter.counter(metrics.edgeSharedWrites);
  meter.onCollect('edge shared tier', () => {
    const status = shared.status();
    state.set(states[status.state], {});
    lookups.reach(status.hits, { outcome: 'hit' });
    lookups.reach(status.misses, { outcome: 'miss' });
    lookups.reach(status.late, { outcome: 'late' });
    lookups.reach(status.faults, { outcome: 'fault' });
    writes.reach(status.written, { outcome: 'written' });
    writes.reach(status.dropped, { outcome: 'dropped' });
  });
}

function observePrefetch(meter: Telemetry['meter'], prefetch: EdgePrefetch): void {
  const counters = {
    fetched: meter.counter(metrics.edgePrefetches),
    used: meter.counter(metrics.edgePrefetchesUsed),
    wasted: meter.counter(metrics.edgePrefetchesWasted),
    bytes: meter.counter(metrics.edgePrefetchBytes),
  } as const;
  const precision = meter.gauge(metrics.edgePrefetchPrecision);
  const waiting = meter.gauge(metrics.edgePrefetchWaiting);
  meter.onCollect('edge prefetch', () => {
    for (const source of wishSources) {
      const counted = prefetch.counters.of(source);
      for (const name of ['fetched', 'used', 'wasted', 'bytes'] as const) counters[name].reach(counted[name], { source });
      const share = prefetch.precision(source);
      if (share !== undefined) precision.set(share, { source });
    }
    waiting.set(prefetch.waiting, {});
  });
}
