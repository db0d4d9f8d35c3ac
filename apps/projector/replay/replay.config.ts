import { readInteger, readText, type Environment } from '#runtime';

/** How much replays may take. */
export interface ReplaySettings {
  /** Replays that a projector works on at once. */
  readonly replaysMax: number;
  /** Partitions of one that are read at once. */
  readonly partitionsMax: number;
  /** Threads that one replay may take … */
  readonly threadsMax: number;
  /** … from so many events on. */
  readonly threadEventsMin: number;
  /** Of one replay; 0 for no limit. */
  readonly eventsPerSecondMax: number;
  /** How long what a replay replaced is kept, ms. */
  readonly keepMs: number;
  /** Projections, or `all`, of which a new version is promoted by itself although the log no longer holds all that the old one was made of. */
  readonly acceptLoss: readonly string[];
}

const hourMs = 3_600_000;

export function readReplaySettings(env: Environment): ReplaySettings {
  return {
    replaysMax: readInteger(env, 'REPLAYS_MAX', 2, 1, 64),
    partitionsMax: readInteger(env, 'REPLAY_PARTITIONS', 4, 1, 64),
    threadsMax: readInteger(env, 'REPLAY_THREADS', 2, 1, 16),
    threadEventsMin: readInteger(env, 'REPLAY_THREAD_EVENTS', 200_000, 1, 1_000_000_000),
    eventsPerSecondMax: readInteger(env, 'REPLAY_EVENTS_PER_SECOND', 0, 0, 100_000_000),
    keepMs: readInteger(env, 'REPLAY_KEEP_HOURS', 24, 0, 8760) * hourMs,
    acceptLoss: readText(env, 'REPLAY_ACCEPT_LOSS', '', /^([a-z_]+(,[a-z_]+)*)?$/)
      .split(',')
      .filter((name) => name !== ''),
  };
}
