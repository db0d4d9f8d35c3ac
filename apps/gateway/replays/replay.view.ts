import { seesEveryTenant, seesTenant, type Principal } from '#domain/access';
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
import type { BuildView, ModelDifference, ReadRow, RowDifference } from '#ports';
import { isoTime } from '../http/fields.ts';
import { maskedDifference } from './masked-difference.ts';
import { isOpenTo, readTables } from '../watch/read-models.ts';

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

/** A replay in a list; `state` of one that is not over, which says what the row alone cannot. */
export function replayRow(row: ReadRow, build: BuildView | undefined, state: KnownReplay | undefined): object {
  return {
    id: row['replay_id'],
    projection: row['projection'],
    mode: row['mode'],
    status: state?.status ?? statusOf(row),
    version: row['projection_version'],
    from: time(row, 'from_ms'),
    until: time(row, 'until_ms'),
    partitions: row['partitions'],
    promote: row['promote'],
    reason: row['reason'],
    ...told(row),
    progress: progressOf(build),
    eventsGone: state?.eventsGone ?? null,
    serves: build?.state === 'serving',
  };
}

/** With only those rows that the caller may read. */
function openTables(projection: string, tables: ModelDifference['tables'], principal: Principal): readonly object[] {
  return tables.map((table) => {
    const read = readTables.find((one) => one.projection.name === projection && one.table.name === table.table);
    // A table that this version does not know is nobody's who has not everything.
    const isOpen = read === undefined ? seesEveryTenant(principal) : isOpenTo(read, principal);
    const isOwn = ({ tenants = [] }: RowDifference): boolean => tenants.length > 0 && tenants.every((tenant) => seesTenant(principal, tenant));
    const samples = table.samples.filter((sample) => isOpen && (seesEveryTenant(principal) || isOwn(sample)));
    return { ...table, samples: samples.map((sample) => maskedDifference(sample, read?.table)), withheld: table.samples.length - samples.length };
  });
}

export function differenceOf(projection: string, difference: ModelDifference | null | undefined, principal: Principal): object | null {
  if (difference === null || difference === undefined) return null;
  const { comparedAtMs, tables, ...rest } = difference;
  return { ...rest, tables: openTables(projection, tables, principal), comparedAt: isoTime(comparedAtMs) };
}

/** One replay: what was ordered is as new as the last command, the rest as the read model. */
export function replayDetail(state: KnownReplay, row: ReadRow | undefined, build: BuildView | undefined, behind: object | null, principal: Principal): object {
  const { replayId: id, projection, mode, status, partitions, promote, reason, projectionVersion, fromMs, untilMs } = state;
  return {
    ...{ id, projection, mode, status, partitions, promote, reason },
    version: projectionVersion === 0 ? null : projectionVersion,
    ...{ from: isoTime(fromMs), until: isoTime(untilMs) },
    ...told(row),
    progress: progressOf(build),
    eventsGone: state.eventsGone ?? null,
    serves: build?.state === 'serving',
    behind,
    difference: differenceOf(projection, build?.difference, principal),
  };
}
