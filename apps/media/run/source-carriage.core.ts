import {
  boundBySource,
  constantRate,
  planRenditions,
  valueOf,
  type AudioRendition,
  type PlannedRendition,
  type SourceInfo,
  type VideoRendition,
} from '#core/ffmpeg-plan';
import type { StartPoint } from '../feed/feed.types.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';
import { carriedAudio, carriedVideo, type Carried, type RenditionPlan } from './carried.core.ts';
import { withSounds } from './further-sounds.core.ts';
import { publishedLadder } from './published-ladder.core.ts';

/** The sound that every player of the encoded rungs decodes, too. */
const commonAudio = 'aac';

/** What a run may be, after what was found out about its source and its machine. */
export interface CarriageWishes {
  /** False once the source has shown that it cannot be carried. */
  readonly mayCarry: boolean;
  /** What the picture of a source that cannot be carried was found to take, bits per second. */
  readonly sentBitrate?: number | undefined;
  readonly withoutTopRung: boolean;
  readonly halfFrameRate: boolean;
}

/**
 * Decides which renditions the source itself can be. All of them, where it sends its ladder. Else the picture is carried where the ladder has a rung for it and its codec
 * allows; the sound with it, if nothing is encoded or everybody decodes it. Further sounds beside it, however it is made.
 */
export function planCarriage(state: StreamState, start: StartPoint, wishes: CarriageWishes): RenditionPlan {
  return withSounds(planFirst(state, start, wishes), state, start);
}

/** @param mayCarry false once the source has shown that it cannot be carried */
function planFirst(state: StreamState, start: StartPoint, { mayCarry, sentBitrate, withoutTopRung, halfFrameRate }: CarriageWishes): RenditionPlan {
  const { rungs, audioBitrate, establishedVideo } = state;
  const published = mayCarry ? publishedLadder(state, start) : undefined;
  if (published !== undefined) return published;
  const source = halfFrameRate ? withHalfRate(start.source) : start.source;
  const planned = planRenditions({ source, ladder: { rungs, audioBitrate }, established: establishedVideo });
  const wanted = rungs.some(({ passThrough }) => passThrough === true);
  const carried = mayCarry && wanted ? carriedOf(planned, start) : {};
  const { video, audio } = carried;
  const all = planned.map((one) => {
    if (one.name === video?.name) return video;
    if (one.name === audio?.name) return audio;
    // Of the source's own rung nobody asked how good it is to be: as good as the source.
    return one.kind === 'video' && one.passThrough === true && source.video !== undefined ? boundBySource(one, source.video, sentBitrate) : one;
  });
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

function carriedOf(planned: readonly PlannedRendition[], { source, tag: { generation } }: StartPoint): Carried {
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
