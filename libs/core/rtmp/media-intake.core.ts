import {
  audioHeader,
  audioPayloadStart,
  avcHeader,
  canonicalBody,
  decodeAmf0,
  encodeEnhanced,
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
  type VideoHeader,
} from '#core/flv';
import type { Millis } from '#kernel';
import type { RtmpMessage } from './chunk-reader.core.ts';
import { checkConfig, codecOf, type Codec } from './codec-gate.core.ts';
import type { MediaMessage, ServerSessionEffect } from './session.types.ts';
import type { TagBuffer } from './tag-buffer.core.ts';
import { RtmpError } from './errors.ts';
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
  /** Tracks beside the first of their kind. */
  otherTracks: number;
}

/**
 * Checks that audio and video are what Streams can carry, brings them into one shape, and puts frames on the session's
 * timeline. Configurations carry times that mean nothing (ffmpeg says 0 even when its frames begin at five hours).
 */
export class MediaIntake {
  readonly #timeline = new Timeline();
  readonly #makeBody: MakeBody;
  readonly #configs: Record<Kind, Uint8Array | undefined> = { video: undefined, audio: undefined };
  /** As they were looked up last: thousands of frames a second have the same. */
  readonly #codecs: Partial<Record<Kind, { readonly name: string; readonly codec: Codec }>> = {};
  readonly #counts = { unconfigured: 0, repeatedConfigs: 0, changedConfigs: 0 };
  #unconfiguredSince: Record<Kind, number | undefined> = { video: undefined, audio: undefined };
  readonly #otherTracks: Record<Kind, Set<number>> = { video: new Set(), audio: new Set() };

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
    const { video, audio } = this.#otherTracks;
    return { ...this.#timeline.corrections, ...this.#counts, otherTracks: video.size + audio.size };
  }

  /**
   * Adds what the message brings as sealed tags: nothing for an empty one, which some encoders send as a keep-alive.
   * Releases the message's body unless it is handed on.
   * @throws RtmpError `RTMP_CODEC_UNSUPPORTED`, and FlvError for a broken head or decoder configuration.
   */
  accept(message: RtmpMessage, type: typeof tagType.audio | typeof tagType.video, now: Millis, into: ServerSessionEffect[]): void {
    let { body } = message;
    const kind = type === tagType.video ? 'video' : 'audio';
    try {
      if (body.bodyBytes < 2) return body.release();
      const first = body.byteAt(0);
      let nanoOffset = 0;
      if (!(kind === 'video' ? isCanonicalVideo(first) : isCanonicalAudio(first))) {
        const canonical = this.#canonical(body, kind);
        body.release();
        if (canonical.body === undefined) return;
        body = canonical.body;
        nanoOffset = canonical.nanoOffset;
      }
      const timestamp = nanoOffset < nanosPerMsHalf ? message.timestamp : (message.timestamp + 1) >>> 0;
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

  #canonical(body: TagBuffer, kind: Kind): { readonly body: TagBuffer | undefined; readonly nanoOffset: number } {
    const { body: bytes, nanoOffset, otherTracks, metadata } = canonicalBody(body.copyBody(), kind);
    for (const track of otherTracks) this.#otherTracks[kind].add(track);
    if (metadata !== undefined) decodeAmf0(metadata);
    if (bytes === undefined || bytes.length < 2) return { body: undefined, nanoOffset };
    const made = this.#makeBody(bytes.length);
    made.append(bytes, 0, bytes.length);
    return { body: made, nanoOffset };
  }

  #video(body: TagBuffer, timestamp: number, now: Millis): MediaMessage {
    const first = body.byteAt(0);
    const header: VideoHeader = isAvc(first) ? avcHeader(first, body.byteAt(1)) : readVideoHeader(body.peek(mediaHeaderBytes));
    const { kind: packet, keyFrame, codec } = header;
    this.#look('video', codec, packet, body);
    const timestampMs = packet === 'frames' ? this.#timeline.map('video', timestamp, now) : this.latestMs;
    body.seal(tagType.video, timestampMs);
    return { kind: 'media', type: tagType.video, timestampMs, packet, keyFrame: keyFrame && packet === 'frames', tag: body };
  }

  #audio(body: TagBuffer, timestamp: number, now: Millis): MediaMessage {
    const { codec, kind: packet } = this.#audioHeader(body);
    this.#look('audio', codec, packet, body);
    const timestampMs = packet === 'frames' ? this.#timeline.map('audio', timestamp, now) : this.latestMs;
    body.seal(tagType.audio, timestampMs);
    return { kind: 'media', type: tagType.audio, timestampMs, packet, keyFrame: false, tag: body };
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
    const made = this.#makeBody(bytes.length);
    made.append(bytes, 0, bytes.length);
    into.push(this.#audio(made, 0, now));
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
