import {
  catalogue,
  clipFailed,
  clipFinished,
  clipRequested,
  streamAlertCleared,
  streamAlertRaised,
  streamCueRefused,
  streamMarked,
  streamMeasured,
  thumbnailsProduced,
  type DomainEvent,
  type EventOf,
} from '#events';
import type { ColumnValue, Projection, RowChange } from '#kernel';
import { clipTable, streamAlertTable, streamMarkerTable, streamSampleTable, thumbnailTable } from './detail.tables.ts';

/** Room for this many facts per subject within one epoch of its producer. */
const factsPerEpoch = 1n << 32n;

/** Orders the facts of one subject over all its owners: by fencing epoch, then by sequence. */
function factStamp(event: DomainEvent): bigint {
  return event.producerEpoch * factsPerEpoch + event.streamVersion;
}

function thumbnails(event: EventOf<typeof thumbnailsProduced>): RowChange {
  const { streamId, mediaSequence, cid, sizeBytes, startUs, durationUs, programDateTimeMs, columns, rows, width, height } = event.data;
  const times = { start_us: BigInt(startUs), duration_us: BigInt(durationUs), program_date_time_ms: BigInt(programDateTimeMs) };
  return {
    table: thumbnailTable.name,
    key: { stream_id: streamId, media_sequence: mediaSequence },
    set: { cid, size_bytes: BigInt(sizeBytes), ...times, columns, rows, width, height },
    stamps: { producer: event.producerEpoch },
  };
}

function measured(event: EventOf<typeof streamMeasured>): RowChange {
  const { streamId, sessionId, epoch, node, windowMs, input, behindMs, encoderSpeed, picture, sound } = event.data;
  const set = { session_id: sessionId, epoch: BigInt(epoch), node, at_ms: BigInt(event.time), window_ms: windowMs, input, picture, sound };
  return {
    table: streamSampleTable.name,
    key: { stream_id: streamId },
    set: { ...set, behind_ms: BigInt(behindMs), encoder_speed: encoderSpeed },
    stamps: { sample: factStamp(event) },
  };
}

function alert(event: EventOf<typeof streamAlertRaised | typeof streamAlertCleared>): RowChange {
  const { streamId, sessionId } = event.data;
  const raised = event.type === streamAlertRaised.type ? event.data : undefined;
  const cleared = event.type === streamAlertCleared.type ? event.data : undefined;
  return {
    table: streamAlertTable.name,
    key: { stream_id: streamId, alert: event.data.alert },
    set: {
      state: raised === undefined ? 'over' : 'open',
      session_id: sessionId,
      detail: raised?.detail ?? null,
      since_ms: raised === undefined ? null : BigInt(raised.sinceMs),
      lasted_ms: cleared === undefined ? null : BigInt(cleared.lastedMs),
      at_ms: BigInt(event.time),
    },
    stamps: { alert: factStamp(event) },
  };
}

const bigOrNull = (value: number | null): bigint | null => (value === null ? null : BigInt(value));

function marked(event: EventOf<typeof streamMarked>): RowChange {
  const { data } = event;
  return {
    table: streamMarkerTable.name,
    key: { stream_id: data.streamId, marker_id: data.markerId },
    set: {
      ...{ class: data.class, start_ms: BigInt(data.startMs), duration_ms: bigOrNull(data.durationMs) },
      ...{ planned_duration_ms: bigOrNull(data.plannedDurationMs), ends_on_next: data.endsOnNext },
      ...{ scte35_cmd: data.scte35Cmd, scte35_out: data.scte35Out, scte35_in: data.scte35In },
      ...{ attributes: data.attributes, origin: data.origin, at_ms: BigInt(event.time) },
    },
    stamps: { word: factStamp(event) },
  };
}

const nothingMade = {
  ...{ mp4_cid: null, mp4_bytes: null, poster_cid: null, duration_ms: null, from_ms: null, until_ms: null, width: null, height: null },
  ...{ renditions: [], first_segment: null, last_segment: null },
};

/** What was made counts more than that another worker could not make it. */
function roundStamp({ id, data }: EventOf<typeof clipFinished | typeof clipFailed>, outcome: 'failed' | 'made'): string {
  return `${String(data.round).padStart(12, '0')}/${outcome}/${id}`;
}

type ClipEvent = EventOf<typeof clipRequested | typeof clipFinished | typeof clipFailed>;

function clip(event: ClipEvent): RowChange {
  const change = (set: Readonly<Record<string, ColumnValue>>, round?: string): RowChange => ({
    table: clipTable.name,
    key: { stream_id: event.data.streamId, clip_id: event.data.clipId },
    set,
    ...(round === undefined ? {} : { stamps: { round } }),
  });
  switch (event.type) {
    case clipRequested.type: {
      const { name, fromMs, untilMs } = event.data;
      return change({ tenant: event.tenant, name, asked_from_ms: BigInt(fromMs), asked_until_ms: BigInt(untilMs), requested_at_ms: BigInt(event.time) });
    }
    case clipFinished.type: {
      const { data } = event;
      const files = { mp4_cid: data.mp4Cid, mp4_bytes: BigInt(data.mp4Bytes), poster_cid: data.posterCid };
      const times = { duration_ms: BigInt(data.durationMs), from_ms: BigInt(data.fromMs), until_ms: BigInt(data.untilMs) };
      const of = { width: data.width, height: data.height, renditions: data.renditions, first_segment: data.firstSegment, last_segment: data.lastSegment };
      return change({ status: 'finished', reason: null, ...files, ...times, ...of, at_ms: BigInt(event.time) }, roundStamp(event, 'made'));
    }
    case clipFailed.type: {
      const { reason, detail } = event.data;
      return change({ status: 'failed', ...nothingMade, reason: `${reason}: ${detail}`, at_ms: BigInt(event.time) }, roundStamp(event, 'failed'));
    }
  }
}

function project(event: DomainEvent): readonly RowChange[] {
  switch (event.type) {
    case thumbnailsProduced.type:
      return [thumbnails(event)];
    case streamMeasured.type:
      return [measured(event)];
    case streamAlertRaised.type:
    case streamAlertCleared.type:
      return [alert(event)];
    case streamMarked.type:
      return [marked(event)];
    case clipRequested.type:
    case clipFinished.type:
    case clipFailed.type:
      return [clip(event)];
    default:
      return [];
  }
}

/** Facts about streams beside their media: what was seen of them, what was said about them, and what was cut out. */
export const detailTypes: readonly string[] = [
  thumbnailsProduced.type,
  streamMeasured.type,
  streamAlertRaised.type,
  streamAlertCleared.type,
  streamMarked.type,
  // Changes no row: it is read in the timeline.
  streamCueRefused.type,
  clipRequested.type,
  clipFinished.type,
  clipFailed.type,
];

/** What operators see of a stream beside its media: pictures of it, measurements, alerts, markers and clips. */
export const streamDetailsProjection: Projection<DomainEvent> = {
  name: 'stream_details',
  version: 1,
  contexts: ['stream'],
  handles: detailTypes,
  ignores: catalogue.filter(({ context, type }) => context === 'stream' && !detailTypes.includes(type)).map(({ type }) => type),
  tables: [thumbnailTable, streamSampleTable, streamAlertTable, streamMarkerTable, clipTable],
  partitionedBy: { thumbnail: 'stream_id', stream_sample: 'stream_id', stream_alert: 'stream_id', stream_marker: 'stream_id', clip: 'stream_id' },
  project,
};
