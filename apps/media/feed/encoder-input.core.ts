import { audioPayloadStart, ByteWriter, encodeFlvHeader, encodeTag, opusConfigOf, tagType, videoPayload } from '#core/flv';
import { inputContainer, type SourceAudio, type SourceInfo, type SourceVideo } from '#core/ffmpeg-plan';
import { MatroskaWriter, type MatroskaCodec, type MatroskaTrack } from '#core/matroska';
import type { FeedTag, Generation } from './feed.types.ts';
import { sourceInfo } from './source-info.core.ts';
import type { SourceTrack } from './track-book.core.ts';

/** What is written to an encoder's standard input. */
export interface EncoderInputWriter {
  headers(): Uint8Array;
  /** One tag at a time of the run's own clock, ms; undefined for one that the container cannot have. */
  media(tag: FeedTag, timestampMs: number): Uint8Array | undefined;
}

type Configured = Pick<Generation, 'video' | 'audio'>;

/**
 * The source's configuration and media in the container that the encoder reads it in.
 * @param sounds further ones that are encoded, in their order
 */
export function encoderInput(source: SourceInfo, generation: Configured, sounds: readonly SourceTrack[] = []): EncoderInputWriter {
  return inputContainer(source, 1 + sounds.length) === 'flv' ? flvInput(source, generation) : matroskaInput(source, generation, sounds);
}

function flvInput(source: SourceInfo, generation: Configured): EncoderInputWriter {
  const video = source.video === undefined ? undefined : generation.video;
  const audio = source.audio === undefined ? undefined : generation.audio;
  return {
    headers: () => {
      const writer = new ByteWriter().bytes(encodeFlvHeader({ audio: audio !== undefined, video: video !== undefined }));
      if (video !== undefined) writer.bytes(encodeTag({ type: tagType.video, timestampMs: 0, body: video }));
      if (audio !== undefined) writer.bytes(encodeTag({ type: tagType.audio, timestampMs: 0, body: audio }));
      return writer.take();
    },
    media: (tag, timestampMs) => encodeTag({ type: tagType[tag.kind], timestampMs, body: tag.body }),
  };
}

const matroskaCodecs: Readonly<Record<string, MatroskaCodec>> = {
  h264: 'V_MPEG4/ISO/AVC',
  hevc: 'V_MPEGH/ISO/HEVC',
  av1: 'V_AV1',
  vp9: 'V_VP9',
  aac: 'A_AAC',
  opus: 'A_OPUS',
  mp3: 'A_MPEG/L3',
  flac: 'A_FLAC',
};

function matroskaInput(source: SourceInfo, generation: Configured, sounds: readonly SourceTrack[]): EncoderInputWriter {
  const { video, audio } = tracksOf(source, generation);
  const beside = new Map(sounds.flatMap((track) => besideOf(track) ?? []));
  const writer = new MatroskaWriter([...(video === undefined ? [] : [video]), ...(audio === undefined ? [] : [audio]), ...beside.values()]);
  return {
    headers: () => writer.header(),
    media: ({ kind, body, keyFrame, presentationMs, timestampMs: decodeMs, beside: track }, timestampMs) => {
      const written = track === undefined ? { video, audio }[kind] : beside.get(track);
      if (written === undefined) return undefined;
      const start = kind === 'video' ? videoPayload(body).start : audioPayloadStart(body);
      const shownMs = Math.max(0, timestampMs + presentationMs - decodeMs);
      // Every frame of sound can be begun with.
      return writer.frame(written, { presentationMs: shownMs, keyFrame: keyFrame || kind === 'audio', payload: body.subarray(start) });
    },
  };
}

function tracksOf({ video, audio }: SourceInfo, { video: seen, audio: heard }: Configured): { readonly [kind in FeedTag['kind']]?: MatroskaTrack } {
  return {
    ...(video !== undefined && seen !== undefined && { video: pictureOf(video, seen) }),
    ...(audio !== undefined && heard !== undefined && { audio: soundOf(audio, heard) }),
  };
}

function pictureOf({ codec, width, height }: SourceVideo, body: Uint8Array): MatroskaTrack {
  const config = body.subarray(videoPayload(body).start);
  // VP9 needs none, and readers differ in what they expect there.
  return { kind: 'video', codec: codecOf(codec), config: codec === 'vp9' ? config.subarray(0, 0) : config, width, height };
}

function soundOf({ codec, sampleRate = 48_000, channels = 2 }: SourceAudio, body: Uint8Array): MatroskaTrack {
  const config = body.subarray(audioPayloadStart(body));
  return { kind: 'audio', codec: codecOf(codec), config: codec === 'opus' && config.length === 0 ? opusConfigOf() : config, sampleRate, channels };
}

function besideOf(track: SourceTrack): ReadonlyArray<readonly [SourceTrack, MatroskaTrack]> | undefined {
  const { audio } = sourceInfo({ video: undefined, audio: track.config, metadata: {} });
  return audio && [[track, soundOf(audio, track.config)]];
}

function codecOf(codec: string): MatroskaCodec {
  const known = matroskaCodecs[codec];
  if (known === undefined) throw new Error(`no container for ${codec}`);
  return known;
}
