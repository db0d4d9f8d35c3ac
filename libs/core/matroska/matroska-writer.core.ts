import { assert } from '#kernel';
import { bytesElement, concat, element, floatElement, master, textElement, uintBytes, uintElement, unknownSize } from './ebml.codec.ts';

/** RFC 9559 section 27: what the codec's private data is stands there, and is what FLV calls its configuration. */
export type MatroskaCodec = 'V_MPEG4/ISO/AVC' | 'V_MPEGH/ISO/HEVC' | 'V_AV1' | 'V_VP9' | 'A_AAC' | 'A_OPUS' | 'A_MPEG/L3' | 'A_FLAC';

export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: MatroskaCodec;
  readonly config: Uint8Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export interface AudioTrack {
  readonly kind: 'audio';
  readonly codec: MatroskaCodec;
  readonly config: Uint8Array;
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}

export type MatroskaTrack = VideoTrack | AudioTrack;

export interface MatroskaFrame {
  /** Presentation time, ms, not below zero. */
  readonly presentationMs: number;
  readonly keyFrame: boolean;
  readonly payload: Uint8Array;
}

const nanosPerMs = 1_000_000;
/** A block's time is a signed 16-bit distance from its cluster's. */
const distanceMax = 0x7fff;
/** Its track is named in one byte, RFC 9559 section 10.1. */
const tracksMax = 126;
const trackTypes = { video: 1, audio: 2 } as const;

/**
 * Matroska as a live stream: one segment without an end, and clusters that begin when a block's time no longer fits the
 * one before. Carries what FLV does not, or not in every reader.
 */
export class MatroskaWriter {
  readonly #tracks: readonly MatroskaTrack[];
  #clusterMs: number | undefined;

  /** @param tracks one picture at most */
  constructor(tracks: readonly MatroskaTrack[]) {
    assert(tracks.length > 0 && tracks.length <= tracksMax, 'a Matroska stream has tracks, as many as the head of a block can name');
    assert(tracks.filter(({ kind }) => kind === 'video').length < 2, 'a Matroska stream has one picture');
    this.#tracks = tracks;
  }

  /** What comes before the first frame. */
  header(): Uint8Array {
    const types = [textElement(element.docType, 'matroska'), uintElement(element.docTypeVersion, 4), uintElement(element.docTypeReadVersion, 2)];
    const apps = [textElement(element.muxingApp, 'Streams'), textElement(element.writingApp, 'Streams')];
    return concat([
      master(element.ebml, ...types),
      uintBytes(element.segment),
      unknownSize,
      master(element.info, uintElement(element.timestampScale, nanosPerMs), ...apps),
      master(element.tracks, ...this.#tracks.map((track, index) => entryOf(track, index + 1))),
    ]);
  }

  /** One frame, in decoding order. */
  frame(track: MatroskaTrack, { presentationMs, keyFrame, payload }: MatroskaFrame): Uint8Array {
    const number = this.#tracks.indexOf(track) + 1;
    assert(number > 0 && presentationMs >= 0, 'a frame of a track that is there, at a time that can be');
    const cluster = this.#cluster(presentationMs);
    const distance = presentationMs - (this.#clusterMs as number);
    const head = Uint8Array.of(0x80 | number, distance >> 8, distance, keyFrame ? 0x80 : 0);
    return concat([...cluster, bytesElement(element.simpleBlock, concat([head, payload]))]);
  }

  #cluster(presentationMs: number): readonly Uint8Array[] {
    if (this.#clusterMs !== undefined && Math.abs(presentationMs - this.#clusterMs) <= distanceMax) return [];
    this.#clusterMs = presentationMs;
    return [uintBytes(element.cluster), unknownSize, uintElement(element.timestamp, presentationMs)];
  }
}

function entryOf(track: MatroskaTrack, number: number): Uint8Array {
  const ids = [uintElement(element.trackNumber, number), uintElement(element.trackUid, number), uintElement(element.trackType, trackTypes[track.kind])];
  const codec = [uintElement(element.flagLacing, 0), textElement(element.codecId, track.codec)];
  const config = track.config.length === 0 ? [] : [bytesElement(element.codecPrivate, track.config)];
  return master(element.trackEntry, ...ids, ...codec, ...config, settingsOf(track));
}

function settingsOf(track: MatroskaTrack): Uint8Array {
  if (track.kind === 'video') return master(element.video, uintElement(element.pixelWidth, track.width), uintElement(element.pixelHeight, track.height));
  return master(element.audio, floatElement(element.samplingFrequency, track.sampleRate), uintElement(element.channels, track.channels));
}
