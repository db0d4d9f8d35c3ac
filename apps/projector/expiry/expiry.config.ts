import { refusalTable } from '#domain/access';
import { purgeApplicationTable, purgeTable, warmResultTable, warmTable } from '#domain/cache';
import { accessLogTable, browseBatchTable, popularObjectTable, trafficHourTable, trafficMinuteTable } from '#domain/edge';
import { playbackSessionTable } from '#domain/playback';
import { readInteger, type Environment } from '#runtime';

const hourMs = 3_600_000;

/** How long rows of expiring tables are kept, ms by table. */
export function readRowKeeps(env: Environment): Readonly<Record<string, number>> {
  const purgeKeepMs = readInteger(env, 'PURGE_KEEP_HOURS', 720, 24, 87_600) * hourMs;
  return {
    // The widest window of an audience is a day.
    [playbackSessionTable.name]: readInteger(env, 'PLAYBACK_KEEP_HOURS', 48, 24, 87_600) * hourMs,
    [refusalTable.name]: readInteger(env, 'REFUSAL_KEEP_HOURS', 2160, 1, 87_600) * hourMs,
    // The hours say the same for longer, in sixty times fewer rows.
    [trafficMinuteTable.name]: readInteger(env, 'TRAFFIC_KEEP_HOURS', 48, 2, 87_600) * hourMs,
    [trafficHourTable.name]: readInteger(env, 'TRAFFIC_KEEP_DAYS', 90, 1, 3650) * 24 * hourMs,
    [popularObjectTable.name]: readInteger(env, 'POPULARITY_KEEP_HOURS', 48, 2, 87_600) * hourMs,
    [accessLogTable.name]: readInteger(env, 'TRAFFIC_KEEP_HOURS', 48, 2, 87_600) * hourMs,
    // Models are learned from it; what is older counts less than half.
    [browseBatchTable.name]: readInteger(env, 'BROWSE_KEEP_HOURS', 12, 1, 87_600) * hourMs,
    [purgeTable.name]: purgeKeepMs,
    [purgeApplicationTable.name]: purgeKeepMs,
    [warmTable.name]: purgeKeepMs,
    [warmResultTable.name]: purgeKeepMs,
  };
}
