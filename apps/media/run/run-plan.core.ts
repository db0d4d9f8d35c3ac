import { isOnGrid, staysCounted } from '#core/dash';
import type { StartPoint } from '../feed/feed.types.ts';
import type { LastSegment, LiveSession, StreamState } from '../fold/stream-fold.core.ts';

/** How one encoder run is placed between the session's time and the stream's timeline. */
export interface RunPlan {
  /** Subtracted from the timestamps of the tags that the encoder is fed, ms. */
  readonly rebaseMs: number;
  /** Where the output begins, microseconds of the rebased input; what comes before is decoded and dropped. */
  readonly videoStartUs: number;
  readonly audioStartUs: number;
  /** The same places on the stream's timeline, microseconds. */
  readonly videoStreamUs: number;
  readonly audioStreamUs: number;
  /** The same of sounds that are carried and whose segments end elsewhere than the first one's, by name. */
  readonly soundStreamUs?: Readonly<Record<string, number>>;
  /** How long after a multiple of the segment duration the output begins, microseconds. */
  readonly gridPhaseUs: number;
  /** Stream time minus session time, ms; an integer, so that it can be read back from any stored segment. */
  readonly offsetMs: number;
  readonly mediaSequence: number;
  /** True when the media does not continue that of the segment before. */
  readonly discontinuity: boolean;
}

/** Which pictures of a run are carried as they are: an encoder beside them cuts at the multiples of the segment duration. */
export type CarriedPictures = 'none' | 'some' | 'all';

/** The parts of a stream that this process has announced. */
export interface Announced {
  /** Greatest media sequence number of one; -1 for none. */
  readonly sequence: number;
  /** Those up to this one are stored, or left out for good: the newest run began behind it. */
  readonly passed: number;
  /** The run that is planned is configured like the one that announced it: the same segment can be made again. */
  readonly likewise: boolean;
  /** This process has planned a run of the stream before: what others may have announced is in `sequence`, too. */
  readonly known: boolean;
}

const nothingAnnounced: Announced = { sequence: -1, passed: -1, likewise: true, known: false };
/** Runs of others that may each have taken a number; more than that have rather announced nothing. */
const unsettledMax = 16;

/** Where the stored segments of a session end. */
export interface SessionEnd {
  readonly offsetMs: number;
  /** Stream time, microseconds. */
  readonly leaderEndUs: number;
  readonly audioEndUs: number;
}

/** A start this little after the grid counts as on it: times are rounded to microseconds. */
const onGridUs = 1000;
/** Sound may end later than the picture by less than a frame of it; more is an encoder's fault and not continued. */
const audioAheadUsMax = 100_000;
/** A key frame this little after the end still continues it: encoders that come one after the other differ by their sound's priming, and a frame may be lost. */
const continuesMs = 45;
/**
 * Two publishers' clocks are told apart by when their media arrives: so far from the end the key frame of one that takes over may
 * be, and still be the next picture.
 */
const meetsMs = 400;
/** More of a session that is missing is not gone over segment by segment. */
const missingUsMax = 3_600_000_000;
/** So far from the end of the sound a picture may come back, sent earlier or later than its sound as it is. */
const backMs = 500;

/**
 * Where the stream's segments end, and how the time of a session maps to the stream's; undefined when there are none that it
 * continues: of itself, or of those that it took over from.
 */
export function sessionEnd(state: StreamState, session: LiveSession): SessionEnd | undefined {
  if (state.last === undefined || !continues(state, session, state.last.sessionId)) return undefined;
  const { leader, audioEndUs } = endsOf(state);
  // `programDateTime` below, solved for the offset.
  const offsetMs = Math.floor(leader.startUs / 1000) - (leader.programDateTimeMs - session.startedAtMs);
  return { offsetMs, leaderEndUs: leader.endUs, audioEndUs };
}

function continues({ active }: StreamState, { sessionId }: LiveSession, before: string): boolean {
  return before === sessionId || (active?.sessionId === sessionId && active.continues.includes(before));
}

/** The time of the session up to which segments are stored, ms: a run that starts at or before it loses nothing. */
export function storedUntilMs(end: SessionEnd): number {
  return end.leaderEndUs / 1000 - end.offsetMs;
}

/**
 * Where the segments end for a session that has just taken over and whose picture is carried as it is: it cannot begin within a
 * group of pictures, so that its key frame about there is taken for the next picture, and its time is moved by what is between.
 * Undefined where its key frame is not about there, or the end is its own.
 */
export function meeting(state: StreamState, session: LiveSession, { tag }: StartPoint): SessionEnd | undefined {
  const end = sessionEnd(state, session);
  if (end === undefined || state.last?.sessionId === session.sessionId) return undefined;
  if (Math.abs(tag.presentationMs - storedUntilMs(end)) > meetsMs) return undefined;
  return { ...end, offsetMs: Math.floor(end.leaderEndUs / 1000) - tag.presentationMs };
}

/**
 * Places a run that begins with the given tag. If it reaches back to the end of the session's stored segments, the run
 * continues them exactly; otherwise it starts behind a discontinuity: where they end, if it is carried media of the same session and
 * less than a segment of it cannot be shown, else on the next multiple of the segment duration.
 * The picture of another publisher that is carried behind the end may begin behind one, too, so that players count on.
 * A segment that players know parts of does not become another one that begins with a discontinuity, but a gap.
 */
export function planRun(
  state: StreamState,
  session: LiveSession,
  start: StartPoint,
  announced: Announced = nothingAnnounced,
  carries: CarriedPictures = 'none',
): RunPlan {
  const { sequence, passed, likewise } = announced;
  const others = othersOf(state, announced);
  const met = carries === 'none' ? undefined : meeting(state, session, start);
  const end = met ?? sessionEnd(state, session);
  const back = comesBack(state, session, start);
  const isTold = toldUntil(state, announced) >= common(state).mediaSequence;
  if (back !== undefined && !isTold && (carries !== 'none' || start.tag.presentationMs > storedUntilMs(back))) return besideSound(state, start, back);
  if (end !== undefined && start.tag.presentationMs <= storedUntilMs(end) + continuesMs) {
    // One other run told of the number that comes next and of no more, and its parts stay; of two the second may have left it out.
    const taken = (likewise ? passed : sequence) + 1 - common(state).mediaSequence;
    const gaps = Math.max(0, taken, others > 1 ? others : 0);
    const discontinuity = gaps === 0 && carries === 'all' && met !== undefined && isCountedAnew(state, met);
    return { ...continued(state, start, end, gaps), discontinuity };
  }
  return anew(state, start, announced, { end: state.last?.sessionId === session.sessionId ? end : undefined, mayBeOffGrid: carries === 'all' });
}

/**
 * Where the sound ends that was heard alone, for the key frame with which its picture comes back: that is about there, since the
 * sound went on until it came. Undefined for anything else.
 */
export function comesBack(state: StreamState, session: LiveSession, { tag }: StartPoint): SessionEnd | undefined {
  const end = tag.kind === 'video' && isSoundAlone(state) ? sessionEnd(state, session) : undefined;
  return end !== undefined && Math.abs(tag.presentationMs - storedUntilMs(end)) <= backMs ? end : undefined;
}

function isSoundAlone({ last, establishedVideo }: StreamState): boolean {
  return Object.entries(last?.renditions ?? {}).every(([name, { isPicture = establishedVideo.includes(name) }]) => !isPicture);
}

/** The picture begins where it is shown and the sound where it ended, so that nothing of either is lost; players begin anew with both. */
function besideSound(state: StreamState, { tag }: StartPoint, end: SessionEnd): RunPlan {
  const rebaseMs = Math.min(tag.timestampMs, Math.floor(storedUntilMs(end)));
  const originUs = (rebaseMs + end.offsetMs) * 1000;
  const videoStreamUs = (tag.presentationMs + end.offsetMs) * 1000;
  return {
    ...common(state),
    rebaseMs,
    offsetMs: end.offsetMs,
    videoStreamUs,
    audioStreamUs: end.leaderEndUs,
    soundStreamUs: soundEndsOf(state, end.leaderEndUs - audioAheadUsMax),
    videoStartUs: videoStreamUs - originUs,
    audioStartUs: end.leaderEndUs - originUs,
    gridPhaseUs: videoStreamUs % gridUs(state),
    discontinuity: true,
  };
}

/** @param gaps segments that are left out, with their time */
function continued(state: StreamState, { tag }: StartPoint, end: SessionEnd, gaps: number): RunPlan {
  const originUs = (tag.timestampMs + end.offsetMs) * 1000;
  const grid = gridUs(state);
  const videoStreamUs = gaps === 0 ? end.leaderEndUs : (Math.floor((end.leaderEndUs + onGridUs) / grid) + gaps) * grid;
  const audioStreamUs = gaps === 0 ? Math.max(end.audioEndUs, end.leaderEndUs - audioAheadUsMax) : videoStreamUs;
  return {
    ...common(state),
    rebaseMs: tag.timestampMs,
    offsetMs: end.offsetMs,
    videoStreamUs,
    audioStreamUs,
    videoStartUs: Math.max(0, videoStreamUs - originUs),
    audioStartUs: Math.max(0, audioStreamUs - originUs),
    gridPhaseUs: videoStreamUs % grid,
    mediaSequence: common(state).mediaSequence + gaps,
    ...(gaps === 0 && { soundStreamUs: soundEndsOf(state, end.leaderEndUs - audioAheadUsMax) }),
    discontinuity: false,
  };
}

/**
 * Whether DASH players, who count segments, must begin to count anew where a publisher takes over whose key frames are at another phase:
 * else segments were listed from there on, and seen later. Those that are listed before it stay so.
 */
function isCountedAnew(state: StreamState, { leaderEndUs }: SessionEnd): boolean {
  const { startUs, endUs } = endsOf(state).leader;
  const [grid, period] = [gridUs(state), { mediaStartUs: state.periodUs ?? 0 }];
  const areCounted = endUs - startUs <= grid + audioAheadUsMax && (isOnGrid(startUs, period, grid) || staysCounted(startUs, period, grid));
  return state.lowLatency !== false && areCounted && !staysCounted(leaderEndUs, period, grid);
}

/** Greatest number of a segment of which anybody may have told parts; those up to the newest that is stored count as told. */
export function toldUntil(state: StreamState, announced: Announced): number {
  return Math.max(announced.sequence, common(state).mediaSequence - 1 + othersOf(state, announced));
}

/** Runs of other processes that may each have taken a number. The run that is planned has said that it starts, and counts itself. */
function othersOf(state: StreamState, { known }: Announced): number {
  return known || state.last === undefined ? 0 : Math.min(unsettledMax, Math.max(0, (state.unsettled ?? 0) - 1));
}

interface Before {
  /** Of the session's own segments: what is missing of it is a gap as long. */
  readonly end: SessionEnd | undefined;
  /** Nobody cuts at the multiples of the segment duration. */
  readonly mayBeOffGrid: boolean;
}

function anew(state: StreamState, { tag }: StartPoint, announced: Announced, { end, mayBeOffGrid }: Before): RunPlan {
  const ends = state.last === undefined ? undefined : endsOf(state);
  const leaderEndUs = ends?.leader.endUs ?? 0;
  const audioEndUs = ends?.audioEndUs ?? 0;
  const grid = gridUs(state);
  const { mediaSequence: next } = common(state);
  const firstSlot = Math.ceil((Math.max(leaderEndUs, audioEndUs - audioAheadUsMax) - onGridUs) / grid);
  const ownUs = end === undefined ? 0 : (tag.presentationMs + end.offsetMs) * 1000;
  const missing = Math.min(Math.round(ownUs / grid) - firstSlot, Math.floor(missingUsMax / grid));
  const gaps = Math.max(toldUntil(state, announced) + 1 - next, missing);
  // Nothing is to be left out: there is no time between.
  const isNext = mayBeOffGrid && end !== undefined && gaps === 0 && ownUs > leaderEndUs;
  const videoStreamUs = isNext ? Math.ceil(Math.max(leaderEndUs, audioEndUs - audioAheadUsMax) / 1000) * 1000 : (firstSlot + gaps) * grid;
  const videoStartUs = (tag.presentationMs - tag.timestampMs) * 1000;
  const audioStreamUs = Math.max(videoStreamUs, audioEndUs);
  return {
    ...common(state),
    rebaseMs: tag.timestampMs,
    offsetMs: videoStreamUs / 1000 - tag.presentationMs,
    videoStreamUs: Math.max(0, videoStreamUs),
    audioStreamUs,
    videoStartUs: Math.max(0, videoStartUs),
    audioStartUs: Math.max(0, videoStartUs + audioStreamUs - videoStreamUs),
    gridPhaseUs: videoStreamUs % grid,
    mediaSequence: next + gaps,
    discontinuity: state.last !== undefined,
  };
}

function common(state: StreamState): { readonly mediaSequence: number } {
  return { mediaSequence: (state.last?.mediaSequence ?? -1) + 1 };
}

function gridUs({ segmentDurationMs }: StreamState): number {
  return segmentDurationMs * 1000;
}

/** The picture leads; without one the sound does. */
function endsOf({ last, establishedVideo }: StreamState): { readonly leader: LastSegment; readonly audioEndUs: number } {
  const renditions = last?.renditions ?? {};
  const isPicture = (name: string): boolean => renditions[name]?.isPicture ?? establishedVideo.includes(name);
  // The packager says the one first that leads.
  const leaderName = Object.keys(renditions).find(isPicture) ?? Object.keys(renditions)[0] ?? '';
  const leader = renditions[leaderName] ?? { startUs: 0, endUs: 0, programDateTimeMs: 0, initCid: '' };
  const audioName = Object.keys(renditions).find((name) => !isPicture(name));
  return { leader, audioEndUs: renditions[audioName ?? '']?.endUs ?? leader.endUs };
}

function soundEndsOf({ last, establishedVideo }: StreamState, leastUs: number): Readonly<Record<string, number>> {
  const sounds = Object.entries(last?.renditions ?? {}).filter(
    ([name, { isPicture }]) => isPicture === false || (isPicture === undefined && !establishedVideo.includes(name)),
  );
  return Object.fromEntries(sounds.map(([name, { endUs }]) => [name, Math.max(endUs, leastUs)]));
}

/** Wall clock of a place on the stream's timeline, whole ms since the Unix epoch. */
export function programDateTime(session: LiveSession, offsetMs: number, streamUs: number): number {
  return session.startedAtMs + Math.floor(streamUs / 1000) - offsetMs;
}
