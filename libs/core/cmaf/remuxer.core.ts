import { audioPayloadStart, FlvError, readAudioHeader, readVideoHeader, videoPayload } from '#core/flv';
import type { Fragment, TrackInit } from '#core/fmp4';
import { AudioRemuxer, type ClockCorrections } from './audio-remuxer.core.ts';
import { audioTrack, canCarryAudio } from './audio-track.core.ts';
import { RemuxError } from './errors.ts';
import type { SourceFrame, TrackRemuxerInit } from './frame.ts';
import { writeInit } from './init-writer.core.ts';
import { videoTimescale, type CmafTrack } from './track.ts';
import { VideoRemuxer } from './video-remuxer.core.ts';
import { canCarryVideo, videoTrack } from './video-track.core.ts';

type Kind = 'video' | 'audio';

/** What comes out of a track, in order: its initialisation segment once, then fragments. */
export type RemuxPart =
  | { readonly kind: 'init'; readonly bytes: Uint8Array; readonly track: TrackInit }
  | { readonly kind: 'fragment'; readonly fragment: Fragment };

export interface RemuxerInit extends TrackRemuxerInit {
  readonly kind: Kind;
  /** Body of the FLV sequence header. */
  readonly config: Uint8Array;
}

/** True when the media behind such a sequence header can be put into segments as it is. */
export function canRemux(kind: Kind, config: Uint8Array): boolean {
  return kind === 'video' ? canCarryVideo(readVideoHeader(config).codec) : canCarryAudio(readAudioHeader(config).codec);
}

/**
 * The track of a sequence header, as players are told of it.
 * @param first body of a frame; only MP3 is not known without one
 * @throws RemuxError
 */
export function trackOf(kind: Kind, config: Uint8Array, first: Uint8Array = new Uint8Array(0)): CmafTrack {
  const track = guarded(() =>
    kind === 'video'
      ? videoTrack(readVideoHeader(config).codec, config.subarray(videoPayload(config).start))
      : audioTrack(readAudioHeader(config).codec, config.subarray(audioPayloadStart(config)), first.subarray(audioPayloadStart(first))),
  );
  if (track === undefined) throw new RemuxError('REMUX_UNSUPPORTED', `Segments cannot carry this codec of ${kind} as it is.`);
  return track;
}

/**
 * One track of a publisher's FLV as CMAF on the stream's timeline, without decoding anything. Holds the frames of one
 * fragment at most, and of those no more than `fragmentFramesMax`.
 */
export class Remuxer {
  readonly #init: RemuxerInit;
  readonly #video: VideoRemuxer | undefined;
  #audio: AudioRemuxer | undefined;
  #begun = false;

  constructor(init: RemuxerInit) {
    this.#init = init;
    this.#video = init.kind === 'video' ? new VideoRemuxer(init) : undefined;
  }

  /** What was done to the clock of the sound. */
  get corrections(): Readonly<ClockCorrections> | undefined {
    return this.#audio?.corrections;
  }

  /**
   * @param body of an FLV tag of coded frames
   * @param timestampMs decode time, ms of the source
   * @throws RemuxError; the remuxer is of no use afterwards
   */
  push(body: Uint8Array, timestampMs: number): RemuxPart[] {
    return this.#video === undefined ? this.#pushAudio(body, timestampMs) : this.#pushVideo(this.#video, body, timestampMs);
  }

  /** Where the newest frame of sound ends on the stream's timeline, microseconds; -1 before the first. */
  get soundEndUs(): number {
    return this.#audio?.endUs ?? -1;
  }

  /** Sound that waits for more of it to make a fragment. */
  flushSound(): RemuxPart[] {
    return partsOf(this.#audio?.flush());
  }

  /** Where the newest picture begins, microseconds of the stream's timeline; undefined before the first, and of sound. */
  get pictureUs(): number | undefined {
    const ticks = this.#video?.openTicks;
    return ticks === undefined ? undefined : toUs(ticks);
  }

  /** How long behind that another picture can begin that is shown behind all before it, microseconds. */
  get pictureReachUs(): number {
    return toUs(this.#video?.lastDuration ?? 0) + this.pictureShiftUs;
  }

  /** By how much decode times are moved, microseconds: frames may be shown so much later than they are decoded. */
  get pictureShiftUs(): number {
    return toUs(this.#video?.shiftTicks ?? 0);
  }

  /** The newest key frame once more, at a place on the stream's timeline. @param isPoint a segment begins with it */
  still(atUs: number, isPoint: boolean): RemuxPart[] {
    return partsOf(this.#video?.still(Math.round((atUs * videoTimescale) / 1_000_000), isPoint));
  }

  /** @param endMs decode time of what follows, ms of the source */
  finish(endMs?: number): RemuxPart[] {
    return partsOf(this.#video === undefined ? this.#audio?.flush() : this.#video.finish(endMs));
  }

  #pushVideo(remuxer: VideoRemuxer, body: Uint8Array, timestampMs: number): RemuxPart[] {
    const { start, compositionMs } = videoPayload(body);
    const frame: SourceFrame = { timestampMs, compositionMs, keyFrame: readVideoHeader(body).keyFrame, data: body.subarray(start) };
    const parts = partsOf(remuxer.push(frame));
    if (this.#begun || remuxer.shiftTicks === undefined) return parts;
    return [this.#begin(trackOf('video', this.#init.config), remuxer.shiftTicks), ...parts];
  }

  #pushAudio(body: Uint8Array, timestampMs: number): RemuxPart[] {
    const frame: SourceFrame = { timestampMs, compositionMs: 0, keyFrame: true, data: body.subarray(audioPayloadStart(body)) };
    if (this.#audio !== undefined) return partsOf(this.#audio.push(frame));
    const track = trackOf('audio', this.#init.config, body);
    this.#audio = new AudioRemuxer(track, this.#init);
    return [this.#begin(track, 0), ...partsOf(this.#audio.push(frame))];
  }

  #begin(track: CmafTrack, shiftTicks: number): RemuxPart {
    this.#begun = true;
    const { entry: _entry, samplesOf: _samplesOf, ...announced } = track;
    return { kind: 'init', bytes: writeInit(track, shiftTicks), track: announced };
  }
}

function toUs(ticks: number): number {
  return Math.round((ticks * 1_000_000) / videoTimescale);
}

function partsOf(fragment: Fragment | undefined): RemuxPart[] {
  return fragment === undefined ? [] : [{ kind: 'fragment', fragment }];
}

function guarded<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof FlvError) throw new RemuxError('REMUX_INVALID', error.message, error);
    throw error;
  }
}
