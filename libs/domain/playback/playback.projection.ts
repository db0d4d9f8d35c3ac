import { playbackEnded, playbackReported, playbackStarted, stampOf, type DomainEvent, type EventOf } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

const counter: ColumnSpec = { type: 'bigint', join: 'max' };
const once: ColumnSpec = { type: 'text', join: 'once' };

/** One row per playback of a viewer. Who watches now: `seen_at_ms` of a moment ago, `state` before `ended`. */
export const playbackSessionTable: TableSpec = {
  name: 'playback_session',
  key: { tenant: 'text', session_id: 'text' },
  columns: {
    asset_kind: once,
    asset_id: once,
    player: once,
    viewer: once,
    startup_ms: counter,
    started_at_ms: { type: 'bigint', join: 'min' },
    first_seen_at_ms: { type: 'bigint', join: 'min' },
    seen_at_ms: counter,
    played_ms: counter,
    stalls: counter,
    stalled_ms: counter,
    rendition: { type: 'text', join: 'lww', stamp: 'rendition' },
    /** All that was ever seen, a ladder's worth at most; only added to, so a rendition is its own dot. */
    renditions: { type: 'json', join: 'set' },
    /** Reports of a playback that has ended come late at times, and do not open it again. */
    state: { type: 'text', join: 'enum', stages: ['started', 'playing', 'ended'] },
    ended_at_ms: counter,
    end_reason: once,
    end_detail: once,
  },
  personal: { player: {}, viewer: { identifies: 'viewer' } },
  indexes: [['asset_id', 'seen_at_ms'], ['seen_at_ms']],
  expires: { newest: 'seen_at_ms', oldest: 'first_seen_at_ms' },
};

type PlaybackEvent = EventOf<typeof playbackStarted | typeof playbackReported | typeof playbackEnded>;

function change(event: PlaybackEvent, set: RowChange['set'], rendition?: string): readonly RowChange[] {
  const { sessionId, assetKind, assetId } = event.data;
  const at = BigInt(event.time);
  const seen = { asset_kind: assetKind, asset_id: assetId, first_seen_at_ms: at, seen_at_ms: at, ...set };
  const key = { tenant: event.tenant, session_id: sessionId };
  if (rendition === undefined) return [{ table: playbackSessionTable.name, key, set: seen }];
  const watched = { rendition, renditions: { [rendition]: rendition } };
  return [{ table: playbackSessionTable.name, key, set: { ...seen, ...watched }, stamps: { rendition: stampOf(event) } }];
}

function countersOf({ playedMs, stalls, stalledMs }: EventOf<typeof playbackReported | typeof playbackEnded>['data']): RowChange['set'] {
  return { played_ms: BigInt(playedMs), stalls: BigInt(stalls), stalled_ms: BigInt(stalledMs) };
}

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === playbackStarted.type) {
    const { startupMs, player, viewer, rendition } = event.data;
    const begun = { startup_ms: BigInt(startupMs), player: player ?? null, viewer: viewer ?? null, started_at_ms: BigInt(event.time) };
    return change(event, { ...begun, state: 'started' }, rendition);
  }
  if (event.type === playbackReported.type) return change(event, { ...countersOf(event.data), state: 'playing' }, event.data.rendition);
  if (event.type === playbackEnded.type) {
    const { reason, detail } = event.data;
    return change(event, { ...countersOf(event.data), state: 'ended', ended_at_ms: BigInt(event.time), end_reason: reason, end_detail: detail ?? null });
  }
  return [];
}

/** Playbacks as players report them. */
export const playbacksProjection: Projection<DomainEvent> = {
  name: 'playbacks',
  version: 4,
  contexts: ['playback'],
  handles: [playbackStarted.type, playbackReported.type, playbackEnded.type],
  ignores: [],
  tables: [playbackSessionTable],
  partitionedBy: { playback_session: 'session_id' },
  project,
};
