import { canRemux, trackOf, RemuxError } from '#core/cmaf';
import { constantRate, planRenditions, valueOf, type AudioRendition, type PlannedRendition, type SourceInfo, type VideoRendition } from '#core/ffmpeg-plan';
import type { StartPoint } from '../feed/session-feed.core.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';

/** How the renditions of a run are made. */
export interface RenditionPlan {
  /** All of them, best first, as players are told. */
  readonly renditions: readonly PlannedRendition[];
  /** Those that an encoder makes; none for a run without one. */
  readonly encoded: readonly PlannedRendition[];
  /** Those that the source is, by what they carry. */
  readonly carried: { readonly video?: VideoRendition; readonly audio?: AudioRendition };
}

/** Peak over average within a segment: nobody holds a publisher's encoder to anything. */
const peakFactor = 1.5;
/** The sound that every player of the encoded rungs decodes, too. */
const commonAudio = 'aac';
const audioBitrateUnknown = 160_000;

/** What a run may be, after what was found out about its source and its machine. */
export interface CarriageWishes {
  /** False once the source has shown that it cannot be carried. */
  readonly mayCarry: boolean;
  readonly withoutTopRung: boolean;
  readonly halfFrameRate: boolean;
}

/**
 * Decides which renditions the source itself can be. The picture is carried where the ladder has a rung for it and its codec
 * allows; the sound with it, if nothing is encoded or everybody decodes it.
 * @param mayCarry false once the source has shown that it cannot be carried
 */
export function planCarriage(state: StreamState, start: StartPoint, { mayCarry, withoutTopRung, halfFrameRate }: CarriageWishes): RenditionPlan {
  const { rungs, audioBitrate, establishedVideo } = state;
  const source = halfFrameRate ? withHalfRate(start.source) : start.source;
  const planned = planRenditions({ source, ladder: { rungs, audioBitrate }, established: establishedVideo });
  const wanted = rungs.some(({ passThrough }) => passThrough === true);
  const carried = mayCarry && wanted ? carriedOf(planned, start) : {};
  const { video, audio } = carried;
  const all = planned.map((one) => (one.name === video?.name ? video : one.name === audio?.name ? audio : one));
  const renditions = withoutTopRung ? withoutTop(all, video) : all;
  return { renditions, encoded: renditions.filter((one) => one !== video && one !== audio), carried };
}

/** Slower than this the picture stutters, and there is little left to save. */
const halfRateMin = 12;

function withHalfRate(source: SourceInfo): SourceInfo {
  if (source.video === undefined) return source;
  const frameRate = valueOf(constantRate(source.video.frameRate)) / 2;
  return frameRate < halfRateMin ? source : { ...source, video: { ...source.video, frameRate } };
}

/** Without the highest rung that is encoded; one picture stays. */
function withoutTop(renditions: readonly PlannedRendition[], carried: VideoRendition | undefined): readonly PlannedRendition[] {
  const videos = renditions.filter(({ kind }) => kind === 'video');
  const top = videos.find((one) => one !== carried);
  return videos.length < 2 ? renditions : renditions.filter((one) => one !== top);
}

function carriedOf(planned: readonly PlannedRendition[], { source, tag: { generation } }: StartPoint): RenditionPlan['carried'] {
  const picture = planned.find((one): one is VideoRendition => one.kind === 'video' && one.passThrough === true);
  const sound = planned.find((one): one is AudioRendition => one.kind === 'audio');
  const frameRate = constantRate(source.video?.frameRate ?? 0);
  const video =
    picture === undefined || generation.video === undefined ? undefined : carriedVideo({ ...picture, frameRate }, generation.video, source.video?.bitrate);
  // A picture that has to be encoded is encoded with its sound.
  if (source.video !== undefined && video === undefined) return {};
  const isAllCarried = planned.every((one) => one.kind === 'audio' || one === picture);
  const mayCarrySound = isAllCarried || source.audio?.codec === commonAudio;
  const audio =
    sound === undefined || generation.audio === undefined || !mayCarrySound ? undefined : carriedAudio(sound, generation.audio, source.audio?.bitrate);
  return { ...(video === undefined ? {} : { video }), ...(audio === undefined ? {} : { audio }) };
}

function carriedVideo(planned: VideoRendition, config: Uint8Array, bitrate = planned.bitrate): VideoRendition | undefined {
  if (!canRemux('video', config)) return undefined;
  const { codecs, width = 0, height = 0 } = trackOf('video', config);
  const size = width > 0 && height > 0 ? { width, height } : {};
  return { ...planned, ...size, codecs, bitrate, bandwidth: Math.ceil(bitrate * peakFactor), level: 0 };
}

function carriedAudio(planned: AudioRendition, config: Uint8Array, bitrate = audioBitrateUnknown): AudioRendition | undefined {
  if (!canRemux('audio', config)) return undefined;
  const common = { ...planned, bitrate, bandwidth: Math.ceil(bitrate * peakFactor) };
  try {
    const { codecs, channels = planned.channels, sampleRate = planned.sampleRate } = trackOf('audio', config);
    return { ...common, codecs, channels, sampleRate };
  } catch (error) {
    // MP3 says nothing before its first frame.
    if (error instanceof RemuxError) return { ...common, codecs: 'mp4a.6b' };
    throw error;
  }
}
