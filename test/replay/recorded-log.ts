import { ManualClock, MemoryEventLog } from '#adapters/memory';
import { encodeEvent, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import type { Projection } from '#kernel';
import { projections } from '#read-models';

/** A log of the events, one a millisecond, and for every moment what was folded by then. */
export async function recorded(events: readonly DomainEvent[]) {
  const clock = new ManualClock();
  const log = new MemoryEventLog(clock);
  const begunMs = clock.now();
  for (const topic of new Set(projections.flatMap((projection) => projection.contexts))) await log.ensureTopic(topic, topicPartitions);
  for (const event of events) {
    clock.advance(1);
    await log.append(topicOf(event), [encodeEvent(event) as LogRecord]);
  }
  return { clock, log, begunMs };
}

function topicOf({ type }: DomainEvent): string {
  return (projections.find(({ handles }) => handles.includes(type)) as Projection<DomainEvent>).contexts[0] as string;
}
