import {
  encodingEnded,
  encodingStarted,
  failoverRequested,
  failoverSwitched,
  publisherJoined,
  publisherLeft,
  segmentProduced,
  streamAlertCleared,
  streamAlertRaised,
  streamCreated,
  streamInterrupted,
  streamStarted,
  streamStopped,
  type DomainEvent,
  type EventOf,
} from '#events';
import { isOnGrid } from '#core/dash';
import type { VideoCodec } from '#core/ffmpeg-plan';

/** What a packager must know of a stream: what to make, from which session, and where the last segments ended. Plain data. */
export interface StreamState {
  readonly streamId: string;
  readonly rungs: ReadonlyArray<{
    readonly name: string;
    readonly height: number;
    readonly videoBitrate: number;
    readonly passThrough?: boolean | undefined;
    readonly codec?: VideoCodec | undefined;
  }>;
  readonly audioBitrate: number;
  /** What the publisher's tracks of sound are, where somebody said. */
  readonly audioTracks?: ReadonlyArray<{ readonly track: number; readonly language?: string | undefined; readonly label?: string | undefined }>;
  readonly segmentDurationMs: number;
  /** False for a stream without parts. */
  readonly lowLatency?: boolean | undefined;
  /** Who publishes, one per endpoint at most. */
  readonly sessions: readonly LiveSession[];
  /** Of whose media segments are made, if it still publishes. */
  readonly active?: ActiveSession;
  /** What somebody asked for last, and the event that said so; absent: the primary, by itself. */
  readonly request?: { readonly id: string; readonly to: Endpoint };
  /** How the session that ended last did. */
  readonly lastEnd?: { readonly sessionId: string; readonly reason: EventOf<typeof streamInterrupted>['data']['reason'] };
  /** Greatest epoch of an encoder; segments of smaller ones are ignored. */
  readonly encodingEpoch: number;
  /** Its `encoding.started`; absent while there was none. */
  readonly encodingId?: string;
  /** The newest encoder has not said that it ended. */
  readonly encodingRuns?: boolean;
  /** Encoders since the newest segment that did not end in good order: each may have announced parts that nobody stored. */
  readonly unsettled?: number;
  /** Video renditions of the encoder that started last. */
  readonly encodingVideo: readonly string[];
  /** It carries the publisher's own tracks alone. */
  readonly encodesNothing?: boolean;
  /** Video renditions that players know, in order; empty until a segment of one exists. */
  readonly establishedVideo: readonly string[];
  /** Sounds of the encoder that started last. */
  readonly encodingAudio?: readonly Sound[];
  /** Sounds that players know, in the order in which they came; absent while there is none. */
  readonly establishedAudio?: readonly Sound[];
  readonly last?: LastSegments;
  /** The newest initialisation of each rendition, also of those that the newest segments do not have; folds from before it was kept have none. */
  readonly initCids?: Readonly<Record<string, string>>;
  /** Where the period begins in which DASH players count the newest segments, microseconds on the stream's timeline; folds from before it was kept have none. */
  readonly periodUs?: number;
  /** Alerts that are open, and since when, ms since the Unix epoch; absent while there never was one. */
  readonly openAlerts?: Readonly<Partial<Record<AlertKind, number>>>;
}

/** A rendition of sound as players are told of it. */
export type Sound = Pick<EventOf<typeof encodingStarted>['data']['renditions'][number], 'name' | 'language' | 'label'>;

type AlertKind = EventOf<typeof streamAlertRaised>['data']['alert'];

export type Endpoint = EventOf<typeof streamStarted>['data']['endpoint'];

export interface ActiveSession {
  readonly sessionId: string;
  /** Sessions before it whose time it continues, the last one first. */
  readonly continues: readonly string[];
}

/** Switches that are looked back over: only what has segments at the end counts, and each session makes some. */
const continuesMax = 8;

export interface LiveSession {
  readonly sessionId: string;
  readonly endpoint: Endpoint;
  readonly relayUrl: string;
  /** Wall clock of the session's time zero, ms since the Unix epoch: of the event that began it, until the log says better. */
  readonly startedAtMs: number;
  /** The log has said when its time zero was; from then on nothing but a change of publishers moves it. */
  readonly isPlaced?: boolean;
  /** Whose stream it is. */
  readonly tenant: string;
  /** The event that began it; folds from before this was kept do not know it. */
  readonly startedId?: string;
}

/** The segments of the newest media sequence number. */
export interface LastSegments {
  readonly mediaSequence: number;
  readonly sessionId: string;
  readonly renditions: Readonly<Record<string, LastSegment>>;
}

export interface LastSegment {
  readonly startUs: number;
  readonly endUs: number;
  readonly programDateTimeMs: number;
  readonly initCid: string;
  /** Left out by folds from before it was kept. */
  readonly isPicture?: boolean;
}

type SegmentProduced = EventOf<typeof segmentProduced>;

/**
 * Folds the `stream` topic into the streams that are not stopped. Facts of one stream come in the order of the log, and
 * facts of an older epoch than the newest encoder's are ignored.
 */
export class StreamFold {
  readonly #streams = new Map<string, StreamState>();

  static restore(states: readonly StreamState[]): StreamFold {
    const fold = new StreamFold();
    for (const state of states) fold.#streams.set(state.streamId, state);
    return fold;
  }

  get(streamId: string): StreamState | undefined {
    return this.#streams.get(streamId);
  }

  states(): readonly StreamState[] {
    return [...this.#streams.values()];
  }

  /** Answers the stream that the event changed. */
  apply(event: DomainEvent): string | undefined {
    switch (event.type) {
      case streamCreated.type: {
        const { streamId, ladder: rungs, audioBitrate, segmentDurationMs, lowLatency, audioTracks } = event.data;
        const told = { ...(lowLatency !== undefined && { lowLatency }), ...(audioTracks && { audioTracks }) };
        const nothing = { sessions: [], encodingEpoch: 0, encodingVideo: [], establishedVideo: [] };
        if (!this.#streams.has(streamId)) this.#streams.set(streamId, { streamId, rungs, audioBitrate, segmentDurationMs, ...told, ...nothing });
        return streamId;
      }
      case streamStarted.type:
      case publisherJoined.type:
        return this.#change(event.data.streamId, (state) => withSession(state, event));
      case streamInterrupted.type:
      case publisherLeft.type:
        return this.#change(event.data.streamId, (state) => withoutSession(state, event));
      case failoverRequested.type:
        return this.#change(event.data.streamId, (state) => ({ ...state, request: { id: event.id, to: event.data.to } }));
      case failoverSwitched.type:
        return this.#change(event.data.streamId, (state) => switched(state, event.data));
      case streamStopped.type:
        this.#streams.delete(event.data.streamId);
        return event.data.streamId;
      case encodingStarted.type: {
        return this.#change(event.data.streamId, (state) => withEncoding(state, event));
      }
      case encodingEnded.type: {
        const { streamId, epoch, exitCode } = event.data;
        return this.#change(streamId, (state) => (epoch < state.encodingEpoch ? state : withoutEncoding(state, exitCode)));
      }
      case segmentProduced.type:
        return this.#change(event.data.streamId, (state) => withSegment(state, event.data));
      case streamAlertRaised.type: {
        const { streamId, alert, sinceMs } = event.data;
        return this.#change(streamId, (state) => ({ ...state, openAlerts: { ...state.openAlerts, [alert]: sinceMs } }));
      }
      case streamAlertCleared.type: {
        const { streamId, alert } = event.data;
        return this.#change(streamId, (state) => {
          const { [alert]: _over, ...open } = state.openAlerts ?? {};
          return { ...state, openAlerts: open };
        });
      }
      default:
        return undefined;
    }
  }

  /** Facts about streams that nobody created, or that are stopped, change nothing. */
  #change(streamId: string, change: (state: StreamState) => StreamState): string | undefined {
    const state = this.#streams.get(streamId);
    if (state === undefined) return undefined;
    this.#streams.set(streamId, change(state));
    return streamId;
  }
}

/** The session of whose media segments are made; undefined while there is none of it. */
export function activeSession(state: StreamState | undefined): LiveSession | undefined {
  return state?.sessions.find(({ sessionId }) => sessionId === state.active?.sessionId);
}

function withSession(state: StreamState, event: EventOf<typeof streamStarted> | EventOf<typeof publisherJoined>): StreamState {
  const { sessionId, relayUrl, endpoint } = event.data;
  const known = state.sessions.find((one) => one.sessionId === sessionId);
  const session = known ?? { sessionId, endpoint, relayUrl, startedAtMs: event.time, tenant: event.tenant, startedId: event.id };
  if (event.type === streamStarted.type) return { ...state, sessions: [session], active: { sessionId, continues: [] } };
  return { ...state, sessions: [...state.sessions.filter((one) => one.endpoint !== endpoint), session] };
}

function withoutSession(state: StreamState, { data }: EventOf<typeof streamInterrupted> | EventOf<typeof publisherLeft>): StreamState {
  const sessions = state.sessions.filter(({ sessionId }) => sessionId !== data.sessionId);
  if (sessions.length === state.sessions.length) return state;
  const lastEnd = { sessionId: data.sessionId, reason: data.reason };
  return { ...state, sessions, lastEnd };
}

function switched(state: StreamState, { fromSessionId, toSessionId, startedAtMs, epoch }: EventOf<typeof failoverSwitched>['data']): StreamState {
  // Overtaken: it is not in use any more, or the other one has gone as well.
  const isPast = state.active?.sessionId !== fromSessionId || !state.sessions.some(({ sessionId }) => sessionId === toSessionId);
  if (epoch < state.encodingEpoch || isPast) return state;
  const before = state.active?.continues ?? [];
  const continues = [fromSessionId, ...before.filter((id) => id !== fromSessionId)].slice(0, continuesMax);
  const sessions = state.sessions.map((one) => (one.sessionId === toSessionId ? { ...one, startedAtMs, isPlaced: true } : one));
  return { ...state, sessions, active: { sessionId: toSessionId, continues } };
}

function withEncoding(state: StreamState, { id, data }: EventOf<typeof encodingStarted>): StreamState {
  const { sessionId, epoch, renditions, liveEdgeUrl, encoder, startedAtMs } = data;
  // What is read again changes nothing.
  if (epoch < state.encodingEpoch || id === state.encodingId) return state;
  const encodingVideo = renditions.filter(({ kind }) => kind === 'video').map(({ name }) => name);
  const encodingAudio = renditions.flatMap(({ kind, name, language, label }): Sound[] =>
    kind === 'audio' ? [{ name, ...(language !== undefined && { language }), ...(label !== undefined && { label }) }] : [],
  );
  const unsettled = (state.unsettled ?? 0) + (liveEdgeUrl === undefined ? 0 : 1);
  return {
    ...state,
    sessions: state.sessions.map((one) => (one.sessionId === sessionId ? placed(one, startedAtMs) : one)),
    encodingEpoch: epoch,
    encodingId: id,
    encodingVideo,
    encodingAudio,
    encodesNothing: encoder === 'none',
    encodingRuns: liveEdgeUrl !== undefined,
    unsettled,
  };
}

/** A packager that does not say when the time zero was has gone by the event that began the session. */
function placed(session: LiveSession, startedAtMs = session.startedAtMs): LiveSession {
  return session.isPlaced === true ? session : { ...session, startedAtMs, isPlaced: true };
}

/** Wall clock of the end of what is stored, whole ms since the Unix epoch; 0 for nothing. */
export function endMs(last: LastSegments | undefined): number {
  const ends = Object.values(last?.renditions ?? {}).map(({ programDateTimeMs, startUs, endUs }) => programDateTimeMs + Math.ceil((endUs - startUs) / 1000));
  return Math.max(0, ...ends);
}

/** In good order it has stored all that it announced. */
function withoutEncoding(state: StreamState, exitCode: number | null): StreamState {
  if (state.encodingRuns !== true) return state;
  return { ...state, encodingRuns: false, unsettled: (state.unsettled ?? 0) - (exitCode === 0 ? 1 : 0) };
}

function withSegment(state: StreamState, data: SegmentProduced['data']): StreamState {
  const { mediaSequence, sessionId, rendition, startUs, durationUs, programDateTimeMs, initCid } = data;
  const lastSequence = state.last?.mediaSequence ?? -1;
  if (data.epoch < state.encodingEpoch || mediaSequence < lastSequence) return state;
  const before = mediaSequence === lastSequence ? state.last?.renditions : {};
  const isPicture = data.track === undefined ? {} : { isPicture: data.track.width !== undefined };
  const renditions = { ...before, [rendition]: { startUs, endUs: startUs + durationUs, programDateTimeMs, initCid, ...isPicture } };
  const establishedVideo = established(state);
  const unsettled = state.encodingRuns === true ? 1 : 0;
  const { establishedAudio = [], encodingAudio = [] } = state;
  const heard = establishedAudio.some(({ name }) => name === rendition) ? undefined : encodingAudio.find(({ name }) => name === rendition);
  const sounds = heard === undefined ? {} : { establishedAudio: [...establishedAudio, heard].slice(0, establishedMax) };
  const initCids = state.initCids?.[rendition] === initCid ? state.initCids : { ...state.initCids, [rendition]: initCid };
  return { ...state, establishedVideo, ...sounds, unsettled, initCids, periodUs: periodOf(state, data), last: { mediaSequence, sessionId, renditions } };
}

/** By the rule of manifests: a run that goes on where segments are counted to, with the initialisations there were, is in the period there was. */
function periodOf(state: StreamState, { mediaSequence, discontinuity, startUs, rendition, initCid }: SegmentProduced['data']): number {
  const { last, initCids, periodUs = 0, segmentDurationMs } = state;
  if (last === undefined) return startUs;
  if (!discontinuity) return periodUs;
  const isSame = initCids?.[rendition] === initCid;
  if (mediaSequence > last.mediaSequence) return isSame && isOnGrid(startUs, { mediaStartUs: periodUs }, segmentDurationMs * 1000) ? periodUs : startUs;
  // The packager says the one first that leads.
  return isSame ? periodUs : (Object.values(last.renditions)[0]?.startUs ?? startUs);
}

/** Renditions that are told of at most. */
const establishedMax = 15;

/** A publisher's track may come later than the first: from then on players know it, too. */
function established({ establishedVideo, encodingVideo, encodesNothing }: StreamState): readonly string[] {
  if (establishedVideo.length === 0) return encodingVideo;
  const more = encodesNothing === true ? encodingVideo.filter((name) => !establishedVideo.includes(name)) : [];
  return more.length === 0 ? establishedVideo : [...establishedVideo, ...more].slice(0, establishedMax);
}

/**
 * What led to what is said of a session: the publisher, who started the stream, made an encoder start; the encoder's start made
 * everything that this run of it says, so that segments tell which run they are of.
 * @param encodingId the `encoding.started` of the run; undefined for that event itself
 */
export function causeOf({ sessionId, startedId }: LiveSession, encodingId?: string): { readonly correlationId: string; readonly causationId: string } {
  return { correlationId: sessionId, causationId: encodingId ?? startedId ?? sessionId };
}
