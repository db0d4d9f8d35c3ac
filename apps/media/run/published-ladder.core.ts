import { constantRate, planRenditions, type AudioRendition, type SourceVideo, type VideoRendition } from '#core/ffmpeg-plan';
import type { BesideTrack, StartPoint } from '../feed/feed.types.ts';
import { sourceInfo } from '../feed/source-info.core.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';
import { carriedAudio, carriedVideo, type BesideRendition, type RenditionPlan } from './carried.core.ts';

/** As many as are told of an encoding. */
const renditionsMax = 16;

/** A track that can be carried, and what is in it. */
interface Picture {
  readonly video: SourceVideo;
  readonly config: Uint8Array;
  /** Undefined for the first track. */
  readonly track: SourceTrack | undefined;
}

/**
 * The renditions of a publisher that sends its ladder: each of its pictures is one, and nothing is encoded. So it is also with one
 * that follows such a publisher with fewer pictures: renditions that players are on are the picture that comes closest.
 * Undefined for a source that is not to be carried like that.
 */
export function publishedLadder(state: StreamState, start: StartPoint): RenditionPlan | undefined {
  const first = pictureOf(start);
  const further = (start.beside ?? []).flatMap((one) => furtherOf(one, start));
  if (first === undefined || (further.length === 0 && !standsForAll(state, first))) return undefined;
  const audio = audioOf(state, start);
  if (start.source.audio !== undefined && audio === undefined) return undefined;
  const names = namesOf([first, ...further], firstName(state, first));
  const renditions = [first, ...further].flatMap((picture, at) => renditionOf(picture, names[at] as string) ?? []);
  const [video, ...others] = renditions;
  if (video === undefined || renditions.length !== names.length) return undefined;
  const pictures = [first, ...further];
  const beside: BesideRendition[] = others.map((rendition, at) => ({ rendition, track: further[at]?.track }));
  for (const name of state.establishedVideo.filter((one) => !names.includes(one)).slice(0, renditionsMax - 1 - renditions.length)) {
    const closest = closestTo(linesOf(state, name), pictures);
    beside.push({ rendition: { ...(renditions[closest] as VideoRendition), name }, track: pictures[closest]?.track });
  }
  const all = [video, ...beside.map(({ rendition }) => rendition), ...(audio === undefined ? [] : [audio])];
  return { renditions: all, encoded: [], carried: { video, ...(audio === undefined ? {} : { audio }), beside } };
}

function pictureOf({ source, tag: { generation } }: StartPoint): Picture | undefined {
  const { video: config } = generation;
  return source.video === undefined || config === undefined ? undefined : { video: source.video, config, track: undefined };
}

function furtherOf({ track, metadata }: BesideTrack, { source }: StartPoint): readonly Picture[] {
  if (track.kind !== 'video') return [];
  const rate = source.video?.frameRate ?? 0;
  const { video } = sourceInfo({ video: track.config, audio: undefined, metadata: { ...(rate > 0 && { frameRate: rate }), ...metadata } });
  const picture = video && { video, config: track.config, track };
  return picture === undefined || renditionOf(picture, 'any') === undefined ? [] : [picture];
}

/** True where players know renditions by names that no rung of the stream has: tracks of a publisher before, which nobody here can encode. */
function standsForAll({ rungs, establishedVideo }: StreamState, { video }: Picture): boolean {
  const others = establishedVideo.filter((name) => !rungs.some((rung) => rung.name === name && rung.passThrough === true));
  const mayStand = rungs.some(({ passThrough, height }) => passThrough === true && height >= linesIn(video));
  return mayStand && others.length > 0 && others.every((name) => !rungs.some((rung) => rung.name === name));
}

function audioOf({ rungs, audioBitrate }: StreamState, { source, tag: { generation } }: StartPoint): AudioRendition | undefined {
  if (source.audio === undefined || generation.audio === undefined) return undefined;
  const planned = planRenditions({ source: { audio: source.audio }, ladder: { rungs, audioBitrate }, established: [] });
  const sound = planned.find((one): one is AudioRendition => one.kind === 'audio');
  return sound && carriedAudio(sound, generation.audio, source.audio.bitrate);
}

function renditionOf({ video, config }: Picture, name: string): VideoRendition | undefined {
  const planned = planRenditions({ source: { video }, ladder: { rungs: [], audioBitrate: 0 }, established: [] });
  const [base] = planned;
  if (base === undefined || base.kind !== 'video') return undefined;
  return carriedVideo({ ...base, name, frameRate: constantRate(video.frameRate) }, config, video.bitrate);
}

/** The first track is the rung that the source stands for, where the stream has one: so it is with one track alone. */
function firstName({ rungs, establishedVideo }: StreamState, { video }: Picture): string {
  const lines = linesIn(video);
  const own = rungs.filter(({ passThrough, height }) => passThrough === true && height >= lines).toSorted((a, b) => a.height - b.height);
  const known = own.find(({ name }) => establishedVideo.includes(name)) ?? own[0];
  if (known !== undefined && (establishedVideo.length === 0 || establishedVideo.includes(known.name))) return known.name;
  return `${lines}p`;
}

/** By their lines, as ladders name their rungs; what has as many is told apart by its codec, then by its number. */
function namesOf(pictures: readonly Picture[], first: string): readonly string[] {
  const names = [first];
  for (const { video } of pictures.slice(1)) {
    const plain = `${linesIn(video)}p`;
    const wishes = [plain, `${plain}-${video.codec}`, ...pictures.map((_, at) => `${plain}-${at + 1}`)];
    names.push(wishes.find((wish) => !names.includes(wish)) as string);
  }
  return names;
}

function closestTo(lines: number, pictures: readonly Picture[]): number {
  const apart = pictures.map(({ video }) => Math.abs(linesIn(video) - lines));
  return apart.indexOf(Math.min(...apart));
}

function linesOf({ rungs }: StreamState, name: string): number {
  return rungs.find((rung) => rung.name === name)?.height ?? Number(/^(\d+)p/.exec(name)?.[1] ?? 0);
}

function linesIn({ width, height }: SourceVideo): number {
  return Math.min(width, height);
}
