import { audioHeader, avcHeader, isAvc, mediaHeaderBytes, parseAacConfig, parseAvcConfig, readVideoHeader, tagType } from '#core/flv';
import type { RtmpMessage } from './chunk-reader.core.ts';
import { RtmpError } from './errors.ts';
import type { MediaMessage } from './session.types.ts';
import { Timeline } from './timeline.core.ts';

/** Configuration of a decoder never comes near this; a greater one is an attack or an error. */
const configBytesMax = 16 * 1024;

/**
 * Checks that audio and video are what Streams can carry, and puts frames on the session's timeline. Configurations carry
 * times that mean nothing (ffmpeg says 0 even when its frames begin at five hours).
 */
export class MediaIntake {
  readonly #timeline = new Timeline();

  get latestMs(): number {
    return this.#timeline.latestMs;
  }

  /**
   * The message as a sealed tag; undefined (and released) for an empty one, which some encoders send as a keep-alive.
   * @throws RtmpError `RTMP_CODEC_UNSUPPORTED`, and FlvError for a broken decoder configuration.
   */
  accept(message: RtmpMessage, type: typeof tagType.audio | typeof tagType.video): MediaMessage | undefined {
    const { body } = message;
    if (body.bodyBytes < 2) {
      body.release();
      return undefined;
    }
    return type === tagType.video ? this.#video(message) : this.#audio(message);
  }

  #video(message: RtmpMessage): MediaMessage {
    const { body } = message;
    const first = body.byteAt(0);
    if (!isAvc(first)) throw unsupported('video', readVideoHeader(body.peek(mediaHeaderBytes)).codec);
    const { kind: packet, keyFrame } = avcHeader(first, body.byteAt(1));
    if (packet === 'sequence-header') checkConfig(message, true);
    const timestampMs = packet === 'frames' ? this.#timeline.map('video', message.timestamp) : this.latestMs;
    body.seal(tagType.video, timestampMs);
    return { kind: 'media', type: tagType.video, timestampMs, packet, keyFrame: keyFrame && packet === 'frames', tag: body };
  }

  #audio(message: RtmpMessage): MediaMessage {
    const { body } = message;
    const { codec, kind: packet } = audioHeader(body.byteAt(0), body.byteAt(1));
    if (codec !== 'aac') throw unsupported('audio', codec);
    if (packet === 'sequence-header') checkConfig(message, false);
    const timestampMs = packet === 'frames' ? this.#timeline.map('audio', message.timestamp) : this.latestMs;
    body.seal(tagType.audio, timestampMs);
    return { kind: 'media', type: tagType.audio, timestampMs, packet, keyFrame: false, tag: body };
  }
}

function unsupported(what: string, codec: string): RtmpError {
  return new RtmpError('RTMP_CODEC_UNSUPPORTED', `The ${what} codec ${codec} is not supported: send H.264 video and AAC audio.`);
}

function checkConfig({ body }: RtmpMessage, isVideo: boolean): void {
  if (body.bodyBytes > configBytesMax)
    throw new RtmpError('RTMP_MESSAGE_TOO_LARGE', `A decoder configuration of ${body.bodyBytes} bytes is over the limit of ${configBytesMax}.`);
  const bytes = body.copyBody();
  if (isVideo) parseAvcConfig(bytes.subarray(5));
  else parseAacConfig(bytes.subarray(2));
}
