import { audioPayloadStart, canonicalOf, enhancedPacket, videoPayload, type FurtherTrack, type PacketKind } from '#core/flv';
import { checkConfig, findCodec, type Codec } from './codec-gate.core.ts';
import { RtmpError } from './errors.ts';

type Kind = 'video' | 'audio';

/** Of each kind, the first included: more than any ladder has, and room for as many languages. */
export const tracksPerKindMax = 8;

interface TrackState {
  /** Undefined for a codec that nobody here can carry: the track is left out. */
  readonly codec: Codec | undefined;
  readonly fourCc: string;
  isConfigured: boolean;
  /** What comes depends on frames that were passed over. */
  waitsForKeyFrame: boolean;
  latestMs: number;
}

/** What is handed on of a further track. */
export interface FurtherPacket {
  readonly packet: PacketKind;
  readonly timestampMs: number;
}

/**
 * Tracks beside the first of one kind: which of them can be carried, and which of their packets. Frames without a configuration,
 * or at a time that is not the session's, are passed over, and all that depend on them.
 */
export class FurtherTracks {
  readonly #kind: Kind;
  readonly #tracks = new Map<number, TrackState>();

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** Tracks seen, also those that cannot be carried. */
  get size(): number {
    return this.#tracks.size;
  }

  /**
   * @param at of the session, ms; undefined where the first track says nothing of that time
   * @param latestMs of the session: configurations have no time of their own
   * @throws RtmpError `RTMP_TRACKS_EXCEEDED`, FlvError for a decoder configuration that cannot be
   */
  judge(track: FurtherTrack, at: number | undefined, latestMs: number): FurtherPacket | undefined {
    const state = this.#stateOf(track);
    if (state.codec === undefined) return undefined;
    if (track.packetType === enhancedPacket.sequenceStart) return this.#configure(state, state.codec, track, latestMs);
    if (track.packetType !== enhancedPacket.codedFrames && track.packetType !== enhancedPacket.codedFramesX) return undefined;
    const isKeyFrame = this.#kind === 'audio' || track.frameType === 1;
    state.waitsForKeyFrame ||= at === undefined || !state.isConfigured;
    if (at === undefined || !state.isConfigured || (state.waitsForKeyFrame && !isKeyFrame)) return undefined;
    state.waitsForKeyFrame = false;
    state.latestMs = Math.max(state.latestMs, at);
    return { packet: 'frames', timestampMs: state.latestMs };
  }

  #stateOf({ id, fourCc }: FurtherTrack): TrackState {
    const known = this.#tracks.get(id);
    if (known?.fourCc === fourCc) return known;
    if (known === undefined && this.#tracks.size + 1 >= tracksPerKindMax)
      throw new RtmpError('RTMP_TRACKS_EXCEEDED', `This publisher sends more than ${tracksPerKindMax} tracks of ${this.#kind}, which is as many as are taken.`);
    const codec = findCodec(this.#kind, fourCc);
    const state = { codec, fourCc, isConfigured: false, waitsForKeyFrame: false, latestMs: known?.latestMs ?? 0 };
    this.#tracks.set(id, state);
    return state;
  }

  #configure(state: TrackState, codec: Codec, track: FurtherTrack, latestMs: number): FurtherPacket | undefined {
    const body = canonicalOf(this.#kind, track);
    // An encoder may open a track before it knows what is in it.
    if (body === undefined || track.payload.length === 0) return undefined;
    checkConfig(codec, body.subarray(this.#kind === 'video' ? videoPayload(body).start : audioPayloadStart(body)));
    state.isConfigured = true;
    return { packet: 'sequence-header', timestampMs: latestMs };
  }
}
