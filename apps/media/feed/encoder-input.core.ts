import { audioPayloadStart, ByteWriter, encodeFlvHeader, encodeTag, opusConfigOf, tagType, videoPayload } from '#core/flv';
import { inputContainer, type SourceInfo } from '#core/ffmpeg-plan';
import { MatroskaWriter, type MatroskaCodec, type MatroskaTrack } from '#core/matroska';
import type { FeedTag, Generation } from './session-feed.core.ts';

/** What is written to an encoder's standard input. */
export interface EncoderInputWriter {
  headers(): Uint8Array;
  /** One tag at a time of the run's own clock, ms; undefined for one that the container cannot have. */
  media(tag: FeedTag, timestampMs: number): Uint8Array | undefined;
}

type Configured = Pick<Generation, 'video' | 'audio'>;

/** The source's configuration and media in the container that the encoder reads it in. */
export function encoderInput(source: SourceInfo, generation: Configured): EncoderInputWriter {
  return inputContainer(source) === 'flv' ? flvInput(source, generation) : matroskaInput(source, generation);
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

function matroskaInput(source: SourceInfo, generation: Configured): EncoderInputWriter {
  const writer = new MatroskaWriter(tracksOf(source, generation));
  return {
    headers: () => writer.header(),
    media: ({ kind, body, keyFrame, presentationMs, timestampMs: decodeMs }, timestampMs) => {
      const start = kind === 'video' ? videoPayload(body).start : audioPayloadStart(body);
      const shownMs = Math.max(0, timestampMs + presentationMs - decodeMs);
      // Every frame of sound can be begun with.
      return writer.frame(kind, { presentationMs: shownMs, keyFrame: keyFrame || kind === 'audio', payload: body.subarray(start) });
    },
  };
}

function tracksOf({ video, audio }: SourceInfo, generation: Configured): readonly MatroskaTrack[] {
  const tracks: MatroskaTrack[] = [];
  if (video !== undefined && generation.video !== undefined) {
    const config = generation.video.subarray(videoPayload(generation.video).start);
    // VP9 needs none, and readers differ in what they expect there.
    const used = video.codec === 'vp9' ? config.subarray(0, 0) : config;
    tracks.push({ kind: 'video', codec: codecOf(video.codec), config: used, width: video.width, height: video.height });
  }
  if (audio !== undefined && generation.audio !== undefined) {
    const { codec, sampleRate = 48_000, channels = 2 } = audio;
    const config = generation.audio.subarray(audioPayloadStart(generation.audio));
    const used = codec === 'opus' && config.length === 0 ? opusConfigOf() : config;
    tracks.push({ kind: 'audio', codec: codecOf(codec), config: used, sampleRate, channels });
  }
  return tracks;
}

function codecOf(codec: string): MatroskaCodec {
  const known = matroskaCodecs[codec];
  if (known === undefined) throw new Error(`no container for ${codec}`);
  return known;
}
