import type { PlannedRendition } from '#core/ffmpeg-plan';
import { Segmenter, type KeyFrameSource, type SegmentGroup } from '#core/fmp4';
import { besideMs } from '../feed/session-feed.core.ts';
import type { RunPlan } from './run-plan.core.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import type { RenditionPlan } from './carried.core.ts';

/** EXTINF is rounded and must not exceed the target duration (RFC 8216bis section 4.4.3.1): half a second less rounding of our own. */
const overUs = 450_000;
/** Renditions that are further apart than this do not come together any more. */
const apartUsMax = 8_000_000;

export interface RunSegmenterInit {
  readonly plan: RunPlan;
  readonly renditions: RenditionPlan;
  readonly segmentDurationMs: number;
  /** Ticks of an encoded rendition before its start. */
  readonly primingTicksOf: (rendition: string) => number;
}

/** The segmenter of one run: encoded renditions count from the run's start, carried ones are on the stream's timeline already. */
export function runSegmenter({ plan, renditions, segmentDurationMs, primingTicksOf }: RunSegmenterInit): Segmenter {
  const { video, audio, beside = [] } = renditions.carried;
  const carried = new Set<PlannedRendition | undefined>([video, audio, ...beside.map(({ rendition }) => rendition)]);
  const further = new Set<PlannedRendition>((renditions.encodedSounds ?? []).map(({ rendition }) => rendition));
  const optional = new Set<PlannedRendition>([...beside.map(({ rendition }) => rendition), ...further]);
  const sourceOf = (name: string): string => renditions.echoes?.find(({ rendition }) => rendition.name === name)?.of ?? name;
  return new Segmenter({
    gridUs: segmentDurationMs * 1000,
    mediaSequence: plan.mediaSequence,
    apartUsMax,
    parts: true,
    keyFrames: keyFramesOf(renditions),
    renditions: renditions.renditions.map((one) => ({
      name: one.name,
      kind: one.kind,
      startUs: startUsOf(one, plan, carried.has(one) || further.has(one)),
      ...(carried.has(one) ? { primingTicks: 0, isPlaced: true } : { primingTicks: primingTicksOf(sourceOf(one.name)) }),
      ...(optional.has(one) ? { isOptional: true } : {}),
      ...(optional.has(one) && one.kind === 'video' ? { loose: { slackUs: besideMs * 1000, longestUs: segmentDurationMs * 1000 + overUs } } : {}),
    })),
  });
}

/**
 * Where a rendition goes on on the stream's timeline, microseconds.
 * @param isOfItsOwn it is made of a track that no other rendition of the run is made of
 */
export function startUsOf({ kind, name }: Pick<PlannedRendition, 'kind' | 'name'>, plan: RunPlan, isOfItsOwn: boolean): number {
  if (kind === 'video') return plan.videoStreamUs;
  return (isOfItsOwn ? plan.soundStreamUs?.[name] : undefined) ?? plan.audioStreamUs;
}

/** Where the sound belongs to the next run, microseconds of the stream's timeline. */
export function soundUntilUs(takenOverMs: number | undefined, { offsetMs }: RunPlan): number | undefined {
  return takenOverMs === undefined ? undefined : (takenOverMs + offsetMs) * 1000;
}

function keyFramesOf({ encoded, carried }: RenditionPlan): KeyFrameSource {
  if (carried.video === undefined) return 'forced';
  return encoded.some(({ kind }) => kind === 'video') ? 'on-grid' : 'as-they-come';
}

/** What a push made certain: parts for those who wait at the live edge, then the segments that are complete. */
export function handOver(
  groups: readonly SegmentGroup[],
  { segmenter, committer }: { readonly segmenter: Segmenter; readonly committer: SegmentCommitter },
): void {
  for (const one of segmenter.takeLeftOut()) committer.leaveOut(one);
  for (const part of segmenter.takeParts()) committer.part(part);
  for (const group of groups) committer.add(group);
}
