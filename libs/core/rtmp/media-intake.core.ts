import {
  audioHeader,
  audioPayloadStart,
  avcHeader,
  canonicalBody,
  decodeAmf0,
  encodeEnhanced,
  encodeFurther,
  enhancedPacket,
  isAvc,
  isCanonicalAudio,
  isCanonicalVideo,
  mediaHeaderBytes,
  readAudioHeader,
  readVideoHeader,
  tagType,
  videoPayload,
  type AudioHeader,
  type FurtherTrack,
  type VideoHeader,
} from '#core/flv';
import type { Millis } from '#kernel';
import type { RtmpMessage } from './chunk-reader.core.ts';
import { checkConfig, codecOf, type Codec } from './codec-gate.core.ts';
import type { MediaMessage, ServerSessionEffect } from './session.types.ts';
import type { TagBuffer } from './tag-buffer.core.ts';
import { RtmpError } from './errors.ts';
import { FurtherTracks } from './further-tracks.core.ts';
import { StillClock } from './still-clock.core.ts';
import { Timeline, type TimelineCorrections } from './timeline.core.ts';

type Kind = 'video' | 'audio';
/** Room for a body of our own making, beside the peer's messages. */
type MakeBody = (bodyBytes: number) => TagBuffer;

const nanosPerMsHalf = 500_000;
/** Media without its decoder configuration that is waited for, ms: some encoders send it with the first key frame only. */
const unconfiguredMsMax = 10_000;

/** What the intake did to a publisher's media beside handing it on. */
export interface IntakeCounts extends TimelineCorrections {
  /** Frames that came before anything could decode them. */
  unconfigured: number;
  /** Configurations that said what was known, and that said something else: another resolution, say. */
  repeatedConfigs: number;
  changedConfigs: number;
  /** Tracks beside the first of their kind, whether they can be carried or not. */
  otherTracks: number;
}

/**
 * Checks that audio and video are what Streams can carry, brings them into one shape, and puts frames on the session's
 * timeline. Configurations carry times that mean nothing (ffmpeg says 0 even when its frames begin at five hours).
 */
export class MediaIntake {
  readonly #timeline = new Timeline();
  readonly #still = new StillClock();
  readonly #makeBody: MakeBody;
  readonly #configs: Record<Kind, Uint8Array | undefined> = { video: undefined, audio: undefined };
  /** As they were looked up last: thousands of frames a second have the same. */
  readonly #codecs: Partial<Record<Kind, { readonly name: string; readonly codec: Codec }>> = {};
  readonly #counts = { unconfigured: 0, repeatedConfigs: 0, changedConfigs: 0 };
  #unconfiguredSince: Record<Kind, number | undefined> = { video: undefined, audio: undefined };
  readonly #further = { video: new FurtherTracks('video'), audio: new FurtherTracks('audio') };

  constructor(makeBody: MakeBody) {
    this.#makeBody = makeBody;
  }

  get latestMs(): number {
    return this.#timeline.latestMs;
  }

  /** Where something beside the media stands on the session's timeline, ms. */
  timeOf(timestamp: number): number {
    return this.#timeline.timeOf(timestamp);
  }

  get counts(): Readonly<IntakeCounts> {
    const { video, audio } = this.#further;
    return { ...this.#timeline.corrections, ...this.#counts, otherTracks: video.size + audio.size };
  }

  /**
   * Adds what the message brings as sealed tags: nothing for an empty one, which some encoders send as a keep-alive.
   * Releases the message's body unless it is handed on.
   * @throws RtmpError `RTMP_CODEC_UNSUPPORTED`, `RTMP_TRACKS_EXCEEDED` or `RTMP_CLOCK_STILL`, and FlvError for a broken head or decoder configuration.
   */
  accept(message: RtmpMessage, type: typeof tagType.audio | typeof tagType.video, now: Millis, into: ServerSessionEffect[]): void {
    const { body } = message;
    const kind = type === tagType.video ? 'video' : 'audio';
    if (body.bodyBytes < 2) return body.release();
    const first = body.byteAt(0);
    if (kind === 'video' ? isCanonicalVideo(first) : isCanonicalAudio(first)) this.#take(kind, body, message.timestamp, now, into);
    else this.#enhanced(kind, body, message.timestamp, now, into);
  }

  /** One head for one track: the first becomes what it is without one, and the others a tag each. */
  #enhanced(kind: Kind, body: TagBuffer, timestamp: number, now: Millis, into: ServerSessionEffect[]): void {
    const bytes = body.copyBody();
    body.release();
    const canonical = canonicalBody(bytes, kind);
    if (canonical.metadata !== undefined) decodeAmf0(canonical.metadata);
    const rounded = canonical.nanoOffset < nanosPerMsHalf ? timestamp : (timestamp + 1) >>> 0;
    if (canonical.body !== undefined && canonical.body.length >= 2) this.#take(kind, this.#made(canonical.body), rounded, now, into);
    for (const track of canonical.further) this.#beside(kind, track, rounded, into);
  }

  #made(bytes: Uint8Array): TagBuffer {
    const made = this.#makeBody(bytes.length);
    made.append(bytes, 0, bytes.length);
    return made;
  }

  #beside(kind: Kind, track: FurtherTrack, timestamp: number, into: ServerSessionEffect[]): void {
    const packet = this.#further[kind].judge(track, this.#timeline.beside(kind, timestamp), this.latestMs);
    if (packet === undefined) return;
    const type = tagType[kind];
    const body = this.#made(encodeFurther(kind, track));
    body.seal(type, packet.timestampMs);
    into.push({ kind: 'media', type, ...packet, keyFrame: false, track: track.id, tag: body });
  }

  #take(kind: Kind, body: TagBuffer, timestamp: number, now: Millis, into: ServerSessionEffect[]): void {
    try {
      if (isEmptyStart(kind, body)) return body.release();
      if (kind === 'audio' && this.#configs.audio === undefined) this.#standIn(body, now, into);
      const media = kind === 'video' ? this.#video(body, timestamp, now) : this.#audio(body, timestamp, now);
      if (media.packet !== 'frames' || this.#isConfigured(kind, media.timestampMs)) into.push(media);
      else body.release();
    } catch (error) {
      if (!body.released) body.release();
      throw error;
    }
  }

  #video(body: TagBuffer, timestamp: number, now: Millis): MediaMessage {
    const first = body.byteAt(0);
    const header: VideoHeader = isAvc(first) ? avcHeader(first, body.byteAt(1)) : readVideoHeader(body.peek(mediaHeaderBytes));
    const { kind: packet, keyFrame, codec } = header;
    this.#look('video', codec, packet, body);
    const timestampMs = packet === 'frames' ? this.#time('video', timestamp, now) : this.latestMs;
    body.seal(tagType.video, timestampMs);
    return { kind: 'media', type: tagType.video, timestampMs, packet, keyFrame: keyFrame && packet === 'frames', track: 0, tag: body };
  }

  #audio(body: TagBuffer, timestamp: number, now: Millis): MediaMessage {
    const { codec, kind: packet } = this.#audioHeader(body);
    this.#look('audio', codec, packet, body);
    const timestampMs = packet === 'frames' ? this.#time('audio', timestamp, now) : this.latestMs;
    body.seal(tagType.audio, timestampMs);
    return { kind: 'media', type: tagType.audio, timestampMs, packet, keyFrame: false, track: 0, tag: body };
  }

  #time(kind: Kind, timestamp: number, now: Millis): number {
    this.#still.look(kind, timestamp, now);
    return this.#timeline.map(kind, timestamp, now);
  }

  #audioHeader(body: TagBuffer): AudioHeader {
    const first = body.byteAt(0);
    return isCanonicalAudio(first) ? audioHeader(first, body.byteAt(1)) : readAudioHeader(body.peek(mediaHeaderBytes));
  }

  #look(kind: Kind, name: string, packet: MediaMessage['packet'], body: TagBuffer): void {
    const known = this.#codecs[kind];
    const { codec: found } = known?.name === name ? known : (this.#codecs[kind] = { name, codec: codecOf(kind, name) });
    if (packet !== 'sequence-header') return;
    const bytes = body.copyBody();
    checkConfig(found, bytes.subarray(kind === 'video' ? videoPayload(bytes).start : audioPayloadStart(bytes)));
    const before = this.#configs[kind];
    this.#configs[kind] = bytes;
    if (before !== undefined) this.#counts[equal(before, bytes) ? 'repeatedConfigs' : 'changedConfigs'] += 1;
  }

  /** What cannot be decoded yet is passed over, for a while. @throws RtmpError `RTMP_CONFIG_MISSING` */
  #isConfigured(kind: Kind, timestampMs: number): boolean {
    if (this.#configs[kind] !== undefined) return true;
    this.#counts.unconfigured += 1;
    const since = (this.#unconfiguredSince[kind] ??= timestampMs);
    if (timestampMs - since <= unconfiguredMsMax) return false;
    throw new RtmpError('RTMP_CONFIG_MISSING', `The ${kind} came for ${unconfiguredMsMax / 1000} s without its decoder configuration (sequence header).`);
  }

  /** Readers wait for a configuration: a codec that sends none gets one before its first frame. */
  #standIn(body: TagBuffer, now: Millis, into: ServerSessionEffect[]): void {
    const { codec, kind: packet } = this.#audioHeader(body);
    const { config } = codecOf('audio', codec);
    if (packet !== 'frames' || config === undefined) return;
    const fourCc = codec === 'mp3' ? '.mp3' : codec;
    const bytes = encodeEnhanced('audio', { frameType: 0, packetType: enhancedPacket.sequenceStart, fourCc, payload: config });
    into.push(this.#audio(this.#made(bytes), 0, now));
  }
}

/** FFmpeg 8 opens an AV1 stream with a sequence start that has nothing in it, and sends the real one with the first frame. */
function isEmptyStart(kind: Kind, body: TagBuffer): boolean {
  const first = body.byteAt(0);
  const isExtended = kind === 'video' ? (first & 0x80) !== 0 : !isCanonicalAudio(first);
  if (!isExtended || body.bodyBytes > mediaHeaderBytes || (first & 15) !== enhancedPacket.sequenceStart) return false;
  const { codec } = (kind === 'video' ? readVideoHeader : readAudioHeader)(body.peek(mediaHeaderBytes));
  return codecOf(kind, codec).config === undefined;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
