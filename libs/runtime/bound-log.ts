import { hasCode, OperatingError } from '#kernel';
import type { EventLog, PartitionHead, ProjectionStore } from '#ports';

export interface BoundLogDeps {
  readonly log: EventLog;
  readonly projections: ProjectionStore;
}

/** The code of {@link requireBoundLog}'s refusal. Starting again changes nothing about it. */
export const logForeign = 'LOG_FOREIGN';

/**
 * Holds a process to the log that its database was made from: offsets of one log are other events in another. The first
 * start binds the database to its log; `streams migrate-log` moves it.
 * @throws OperatingError `LOG_FOREIGN`, or as log and store do
 */
export async function requireBoundLog({ log, projections }: BoundLogDeps): Promise<void> {
  const identity = await log.identity();
  const known = await projections.boundLog();
  // Databases of before this was kept say nothing; but a checkpoint beyond the log's end cannot be of this log.
  if (known === undefined && (await isBeyond(log, projections))) throw foreign('another event log', identity);
  const bound = known ?? (await projections.bindLog(identity));
  if (bound !== identity) throw foreign(`the event log ${bound}`, identity);
}

async function isBeyond(log: EventLog, projections: ProjectionStore): Promise<boolean> {
  const begun = (await projections.checkpoints()).filter(({ position }) => position > 0n);
  for (const [topic, checkpoints] of Map.groupBy(begun, (one) => one.topic)) {
    const heads = await headsOf(log, topic);
    if (checkpoints.some(({ partition, position }) => position > (heads[partition]?.high ?? 0n))) return true;
  }
  return false;
}

async function headsOf(log: EventLog, topic: string): Promise<readonly PartitionHead[]> {
  try {
    return await log.heads(topic);
  } catch (error) {
    if (hasCode(error, 'TOPIC_UNKNOWN')) return [];
    throw error;
  }
}

function foreign(bound: string, identity: string): OperatingError {
  return new OperatingError(
    `This database belongs to ${bound}, but the settings lead to the event log ${identity}. ` +
      'Set KAFKA_BROKERS, KAFKA_TOPIC_PREFIX and STREAMS_DATA_DIR as they were, or move the events with "streams migrate-log", or begin with an empty database.',
    { code: logForeign, retryable: false },
  );
}
