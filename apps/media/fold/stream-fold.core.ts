import {
  encodingEnded,
  encodingStarted,
  segmentProduced,
  streamCreated,
  streamInterrupted,
  streamStarted,
  streamStopped,
  type DomainEvent,
  type EventOf,
} from '#events';

/** What a packager must know of a stream: what to make, from which session, and where the last segments ended. Plain data. */
export interface StreamState {
  readonly streamId: string;
  readonly rungs: ReadonlyArray<{ readonly name: string; readonly height: number; readonly videoBitrate: number; readonly passThrough?: boolean | undefined }>;
  readonly audioBitrate: number;
  readonly segmentDurationMs: number;
  /** The publisher's session; absent while nobody publishes. */
  readonly session?: LiveSession;
  /** Greatest epoch of an encoder; segments of smaller ones are ignored. */
  readonly encodingEpoch: number;
  /** Its `encoding.started`; absent while there was none. */
  readonly encodingId?: string;
  /** The newest encoder has not said that it ended. */
  readonly encodingRuns?: boolean;
  /** The encoder before the newest never said that it ended, and may have announced parts of a segment that nobody will store. */
  readonly brokenOff?: boolean;
  /** Video renditions of the encoder that started last. */
  readonly encodingVideo: readonly string[];
  /** Video renditions that players know, in order; empty until a segment of one exists. */
  readonly establishedVideo: readonly string[];
  readonly last?: LastSegments;
}

export interface LiveSession {
  readonly sessionId: string;
  readonly relayUrl: string;
  /** Wall clock of the session's time zero, ms since the Unix epoch. */
  readonly startedAtMs: number;
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
        const { streamId, ladder, audioBitrate, segmentDurationMs } = event.data;
        if (!this.#streams.has(streamId))
          this.#streams.set(streamId, { streamId, rungs: ladder, audioBitrate, segmentDurationMs, encodingEpoch: 0, encodingVideo: [], establishedVideo: [] });
        return streamId;
      }
      case streamStarted.type: {
        const { streamId, sessionId, relayUrl } = event.data;
        return this.#change(streamId, (state) => ({
          ...state,
          session: { sessionId, relayUrl, startedAtMs: event.time, tenant: event.tenant, startedId: event.id },
        }));
      }
      case streamInterrupted.type: {
        const { streamId, sessionId } = event.data;
        return this.#change(streamId, (state) => (state.session?.sessionId === sessionId ? withoutSession(state) : state));
      }
      case streamStopped.type:
        this.#streams.delete(event.data.streamId);
        return event.data.streamId;
      case encodingStarted.type: {
        return this.#change(event.data.streamId, (state) => withEncoding(state, event));
      }
      case encodingEnded.type: {
        const { streamId, epoch } = event.data;
        return this.#change(streamId, (state) => (epoch < state.encodingEpoch ? state : { ...state, encodingRuns: false }));
      }
      case segmentProduced.type:
        return this.#change(event.data.streamId, (state) => withSegment(state, event.data));
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

function withoutSession({ session: _gone, ...state }: StreamState): StreamState {
  return state;
}

function withEncoding(state: StreamState, { id, data }: EventOf<typeof encodingStarted>): StreamState {
  const { epoch, renditions, liveEdgeUrl } = data;
  // What is read again changes nothing.
  if (epoch < state.encodingEpoch || id === state.encodingId) return state;
  const encodingVideo = renditions.filter(({ kind }) => kind === 'video').map(({ name }) => name);
  return { ...state, encodingEpoch: epoch, encodingId: id, encodingVideo, encodingRuns: liveEdgeUrl !== undefined, brokenOff: state.encodingRuns === true };
}

function withSegment(state: StreamState, data: SegmentProduced['data']): StreamState {
  const { mediaSequence, sessionId, rendition, startUs, durationUs, programDateTimeMs, initCid } = data;
  const lastSequence = state.last?.mediaSequence ?? -1;
  if (data.epoch < state.encodingEpoch || mediaSequence < lastSequence) return state;
  const before = mediaSequence === lastSequence ? state.last?.renditions : {};
  const renditions = { ...before, [rendition]: { startUs, endUs: startUs + durationUs, programDateTimeMs, initCid } };
  const establishedVideo = state.establishedVideo.length > 0 ? state.establishedVideo : state.encodingVideo;
  return { ...state, establishedVideo, last: { mediaSequence, sessionId, renditions } };
}

/**
 * What led to what is said of a session: the publisher, who started the stream, made an encoder start; the encoder's start made
 * everything that this run of it says, so that segments tell which run they are of.
 * @param encodingId the `encoding.started` of the run; undefined for that event itself
 */
export function causeOf({ sessionId, startedId }: LiveSession, encodingId?: string): { readonly correlationId: string; readonly causationId: string } {
  return { correlationId: sessionId, causationId: encodingId ?? startedId ?? sessionId };
}
