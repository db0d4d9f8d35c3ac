import type { Context } from '#events';
import type { Clock, EventIndex, EventLog } from '#ports';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface EventIndexLagDeps {
  readonly log: EventLog;
  readonly index: EventIndex;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'meter'>;
}

/** Shows how far the event index is behind the log, and since when it has not moved: whichever process keeps it, and also when none does. */
export function showEventIndexLag(topics: readonly Context[], { log, index, clock, telemetry: { meter } }: EventIndexLagDeps): void {
  const [events, seconds] = [meter.gauge(metrics.indexLagEvents), meter.gauge(metrics.indexStillSeconds)];
  meter.onCollect('event index', async () => {
    const positions = await index.positions();
    const at = new Map(positions.map(({ topic, partition, position }) => [`${topic}/${partition}`, position]));
    const heads = await Promise.all(
      topics.map(async (topic) => (await log.heads(topic)).map((head) => ({ ...head, position: at.get(`${topic}/${head.partition}`) ?? 0n }))),
    );
    const behind = heads.flat().reduce((sum, { low, high, position }) => sum + Math.max(0, Number(high - (position > low ? position : low))), 0);
    const movedAtMs = Math.max(...positions.map((one) => one.movedAtMs));
    events.set(behind, {});
    seconds.set(behind === 0 || !Number.isFinite(movedAtMs) ? 0 : Math.max(0, clock.now() - movedAtMs) / 1000, {});
  });
}
