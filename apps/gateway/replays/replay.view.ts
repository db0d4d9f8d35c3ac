import type { KnownReplay, ReplayStatus } from '#domain/operation';
import {
  projectionPromoted,
  projectionRolledBack,
  replayCancelled,
  replayCompared,
  replayCompleted,
  replayFailed,
  replayPaused,
  replayPromotionRequested,
  replayRequested,
  replayResumed,
  replayRollbackRefused,
  replayRollbackRequested,
  replayStarted,
} from '#events';
import type { BuildView, ModelDifference, ReadRow } from '#ports';
import { isoTime } from '../http/fields.ts';

/** What each event leaves a replay in; the two that depend on what came before are told apart by the row. */
const statusAfter: Readonly<Record<string, ReplayStatus>> = {
  [replayRequested.type]: 'requested',
  [replayStarted.type]: 'running',
  [replayPaused.type]: 'paused',
  [replayCancelled.type]: 'cancelled',
  [replayFailed.type]: 'failed',
  [replayCompared.type]: 'compared',
  [replayPromotionRequested.type]: 'promoting',
  [projectionPromoted.type]: 'promoted',
  [replayRollbackRequested.type]: 'rolling-back',
  [replayRollbackRefused.type]: 'promoted',
  [projectionRolledBack.type]: 'rolled-back',
};

function statusOf(row: ReadRow): ReplayStatus {
  const last = String(row['last_event']);
  if (last === replayCompleted.type) return row['promote'] === true ? 'promoting' : 'ready';
  if (last === replayResumed.type) return row['projection_version'] === null ? 'requested' : 'running';
  return statusAfter[last] ?? 'requested';
}

const time = (row: ReadRow | undefined, column: string): string | null => isoTime((row?.[column] ?? null) as bigint | null);

function progressOf(build: BuildView | undefined): object | null {
  if (build === undefined || build.progress === null) return null;
  const { atMs, ...progress } = build.progress;
  return { ...progress, at: isoTime(atMs) };
}

/** What the events told, as far as they have been folded. */
function told(row: ReadRow | undefined): object {
  return {
    requestedBy: row?.['requested_by'] ?? null,
    requestedAt: time(row, 'requested_at_ms'),
    lastEvent: row?.['last_event'] ?? null,
    lastActor: row?.['last_actor'] ?? null,
    lastAt: time(row, 'last_at_ms'),
    note: row?.['last_note'] ?? null,
  };
}

/** A replay in a list. */
export function replayRow(row: ReadRow, build: BuildView | undefined): object {
  return {
    id: row['replay_id'],
    projection: row['projection'],
    mode: row['mode'],
    status: statusOf(row),
    version: row['projection_version'],
    from: time(row, 'from_ms'),
    until: time(row, 'until_ms'),
    partitions: row['partitions'],
    promote: row['promote'],
    reason: row['reason'],
    ...told(row),
    progress: progressOf(build),
    serves: build?.state === 'serving',
  };
}

export function differenceOf(difference: ModelDifference | null | undefined): object | null {
  if (difference === null || difference === undefined) return null;
  const { comparedAtMs, ...rest } = difference;
  return { ...rest, comparedAt: isoTime(comparedAtMs) };
}

/** One replay: what was ordered is as new as the last command, the rest as the read model. */
export function replayDetail(state: KnownReplay, row: ReadRow | undefined, build: BuildView | undefined, behind: object | null): object {
  const { replayId: id, projection, mode, status, partitions, promote, reason, projectionVersion, fromMs, untilMs } = state;
  return {
    ...{ id, projection, mode, status, partitions, promote, reason },
    version: projectionVersion === 0 ? null : projectionVersion,
    ...{ from: isoTime(fromMs), until: isoTime(untilMs) },
    ...told(row),
    progress: progressOf(build),
    serves: build?.state === 'serving',
    behind,
    difference: differenceOf(build?.difference),
  };
}
