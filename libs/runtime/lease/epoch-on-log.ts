import { hasCode } from '#kernel';
import type { EventLog } from '#ports';

/**
 * The greatest epoch that a topic has seen of these producers; 0n when it has seen none. Leases are kept in the database, and
 * the log outlives it: who has a lease of a database that is older than the log begins beyond what the log knows.
 * @throws OperatingError of the log
 */
export async function epochOnLog(log: EventLog, topic: string, producers: readonly string[]): Promise<bigint> {
  let greatest = 0n;
  for (const id of producers) {
    const epoch = await epochOf(log, topic, id);
    if (epoch > greatest) greatest = epoch;
  }
  return greatest;
}

async function epochOf(log: EventLog, topic: string, producer: string): Promise<bigint> {
  try {
    return (await log.producer(topic, producer))?.epoch ?? 0n;
  } catch (error) {
    if (hasCode(error, 'TOPIC_UNKNOWN')) return 0n;
    throw error;
  }
}
