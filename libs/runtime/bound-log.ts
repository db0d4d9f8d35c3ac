import { hasCode, OperatingError } from '#kernel';
import type { CheckpointView, EventLog, PartitionHead, ProjectionStore } from '#ports';
import { pause } from './pause.ts';

export interface BoundLogDeps {
  readonly log: EventLog;
  readonly projections: ProjectionStore;
}

/** The code of {@link requireBoundLog}'s refusal. Starting again changes nothing about it. */
export const logForeign = 'LOG_FOREIGN';

/** Brokers that have just changed hands may know less of the log for a moment: its end is looked at so often before it counts. */
const looks = 6;
const lookMs = 400;

/**
 * Holds a process to the log that its database was made from: offsets of one log are other events in another. The first
 * start binds the database to its log; `streams migrate-log` moves it. A log that ends before what the database has read of it is
 * an older copy, whatever it is called: what is appended to it would be passed over.
 * @throws OperatingError `LOG_FOREIGN`, or as log and store do
 */
export async function requireBoundLog({ log, projections }: BoundLogDeps): Promise<void> {
  const identity = await log.identity();
  const known = await projections.boundLog();
  if (known !== undefined && known !== identity) throw foreign(`the event log ${known}`, identity);
  const beyond = await settledBeyond({ log, projections }, known === undefined ? 1 : looks);
  // Databases of before a log was bound say nothing; but a checkpoint beyond the log's end cannot be of this log.
  if (beyond !== undefined) throw known === undefined ? foreign('another event log', identity) : older(identity, beyond);
  const bound = known ?? (await projections.bindLog(identity));
  if (bound !== identity) throw foreign(`the event log ${bound}`, identity);
}

/** A checkpoint, and the end of its partition before it. */
interface Beyond {
  readonly checkpoint: CheckpointView;
  readonly high: bigint;
}

async function settledBeyond(deps: BoundLogDeps, times: number): Promise<Beyond | undefined> {
  let beyond = await beyondEnd(deps);
  for (let look = 1; beyond !== undefined && look < times; look++) {
    await pause(lookMs);
    beyond = await beyondEnd(deps);
  }
  return beyond;
}

async function beyondEnd({ log, projections }: BoundLogDeps): Promise<Beyond | undefined> {
  const begun = (await projections.checkpoints()).filter(({ position }) => position > 0n);
  for (const [topic, checkpoints] of Map.groupBy(begun, (one) => one.topic)) {
    const heads = await headsOf(log, topic);
    for (const checkpoint of checkpoints) {
      const high = heads[checkpoint.partition]?.high ?? 0n;
      if (checkpoint.position > high) return { checkpoint, high };
    }
  }
  return undefined;
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

function older(identity: string, { checkpoint, high }: Beyond): OperatingError {
  const { topic, partition, position, projection, version } = checkpoint;
  return new OperatingError(
    `The event log ${identity} is older than this database: ${topic}/${partition} ends at ${high}, and ${projection}@${version} has read up to ${position}. ` +
      'Put the newer log back. If there is none, what lies between is lost: rebuild the database from this log, as docs/OPERATIONS.md says under "Only an older log is left".',
    { code: logForeign, retryable: false },
  );
}
