import {
  decodeMetadata,
  FlvError,
  readAudioHeader,
  readVideoHeader,
  tagType,
  trackBodyOf,
  videoPayload,
  type FlvTag,
  type StreamMetadata,
  type TrackMetadata,
} from '#core/flv';
import type { SourceInfo } from '#core/ffmpeg-plan';
import type { FeedTag, Generation, Kind, StartPoint } from './feed.types.ts';
import { SoundFiller, type SilentFrame } from './sound-filler.core.ts';
import { sourceInfo } from './source-info.core.ts';
import { TrackBook, type SourceTrack } from './track-book.core.ts';

export interface SessionFeedInit {
  /** Media held, bytes. */
  readonly bytesMax: number;
}

/** How much media must have come without the other kind before a source counts as having only one, ms. */
const audioOnlyAfterMs = 2000;
const videoOnlyAfterMs = 1000;
/** How far a kind may stay behind the other before it counts as silent, ms; slide shows have a picture every few seconds. */
const silentAfterMs = { video: 6000, audio: 3000 } as const;
/** More sound than that behind the last picture is not left to the segment that it ends, ms. */
const heardAloneMs = 400;
/** A group of pictures begins with its greatest: less than one says nothing of its bitrate. */
const measuredMsMin = 2000;
/** How far a further track's key frame may come behind the first track's that it belongs to, ms of media. */
const besideMsMax = 500;
/** So late silence may be that stands in for a further track. */
const silenceMsMax = 3500;
/** Without a picture there are no key frames to look at which tracks come. */
const settleSoundMs = 1000;
/** A further track's key frame may be so far from the first track's and is still its own for the same segment, ms. */
export const besideMs = 200;

/**
 * The media of one session as the relay sends it, kept from the last stored segment on: a restarted encoder is fed again
 * from there, so that its crash loses nothing. Tags are numbered from 0. Pure and synchronous.
 */
export class SessionFeed {
  readonly #bytesMax: number;
  #tags: FeedTag[] = [];
  #firstIndex = 0;
  #bytes = 0;
  /** Tags before it were given to the encoder. */
  #readIndex = 0;
  #keyFrames = 0;
  #metadata: StreamMetadata = {};
  #generation: Generation = { number: 0, video: undefined, audio: undefined, sealed: false, muted: false };
  /** The newest sequence header of each kind, whether it is in use or not. */
  readonly #headers: Record<Kind, Uint8Array | undefined> = { video: undefined, audio: undefined };
  readonly #latestOf: Record<Kind, number> = { video: 0, audio: 0 };
  readonly #book = new TrackBook();
  readonly #filler = new SoundFiller();
  /** When it was looked last which tracks come, ms of the session. */
  #settledMs = 0;
  /** Before it no tag is put in between: somebody was told to begin there. */
  #pinnedIndex = 0;
  #isClosed = false;

  constructor(init: SessionFeedInit) {
    this.#bytesMax = init.bytesMax;
  }

  get nextIndex(): number {
    return this.#firstIndex + this.#tags.length;
  }

  /** Video key frames that have come so far; of a session without video every frame counts. */
  get keyFrames(): number {
    return this.#keyFrames;
  }

  /** Where a later generation goes on, ms of the session; undefined while there is none. May be before what was read of this: silence is noticed late. */
  takenOverMs({ number }: Generation): number | undefined {
    return this.#tags.find(({ generation, beside }) => generation.number > number && beside === undefined)?.timestampMs;
  }

  /** Decode time of the picture that a later generation begins with, ms of the session; undefined while there is none. */
  nextPictureMs({ number }: Generation): number | undefined {
    return this.#tags.find(({ generation, kind, keyFrame, beside }) => generation.number > number && kind === 'video' && keyFrame && beside === undefined)
      ?.timestampMs;
  }

  /** Time of the newest tag, ms of the session. */
  get latestMs(): number {
    return this.#tags.at(-1)?.timestampMs ?? 0;
  }

  /** What the first picture takes, bits per second, by the media that is held; undefined for less than two seconds of it. */
  get sentBitrate(): number | undefined {
    const pictures = this.#tags.filter(({ kind, beside }) => kind === 'video' && beside === undefined);
    const lastMs = (pictures.at(-1)?.timestampMs ?? 0) - (pictures[0]?.timestampMs ?? 0);
    if (lastMs < measuredMsMin) return undefined;
    return Math.round((pictures.slice(0, -1).reduce((sum, { body }) => sum + body.length, 0) * 8000) / lastMs);
  }

  /** True when nothing more can be taken until the encoder has read on. */
  get full(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  push(tag: FlvTag): void {
    if (tag.type === tagType.script) return this.#readMetadata(tag.body);
    const kind = tag.type === tagType.video ? 'video' : 'audio';
    const of = trackBody(tag.body, kind);
    if (of === undefined) return;
    if (of.track !== 0) return this.#pushBeside(kind, of.track, { ...tag, body: of.body });
    const header = kind === 'video' ? readVideoHeader(tag.body) : readAudioHeader(tag.body);
    if (header.kind === 'sequence-header') this.#configure(kind, tag.body);
    else if (header.kind === 'frames' && this.#isInTime(kind, tag)) this.#append(kind, tag, kind === 'video' && readVideoHeader(tag.body).keyFrame);
  }

  /** The tag of that number; undefined when it is not there yet. Numbers already forgotten give the oldest tag. */
  read(index: number): { readonly index: number; readonly tag: FeedTag } | undefined {
    const at = Math.max(index, this.#firstIndex);
    const tag = this.#tags[at - this.#firstIndex];
    if (tag === undefined) return undefined;
    this.#readIndex = at + 1;
    // While it is full nothing is appended, so reading has to make the room.
    if (this.full) this.#forget(Math.min(at, this.#excessEnd()));
    return { index: at, tag };
  }

  /**
   * Where to start so that everything from `fromMs` on can be shown: the last key frame at or before it. When there is
   * none left, or nothing is asked, the first key frame there is. Undefined while the source is not known.
   * @param generationMin earlier generations are done with
   */
  startPoint(fromMs: number | undefined, generationMin = 0): StartPoint | undefined {
    const points = this.#startIndexes().filter((index) => this.#at(index).generation.number >= generationMin);
    const before = fromMs === undefined ? undefined : points.findLast((index) => this.#at(index).presentationMs <= fromMs);
    return this.#pointAt(before ?? points[0]);
  }

  /**
   * Where a run can start that shows nothing from before `fromMs`: it carries frames as they are, and none can be left out of a
   * group that is begun. Undefined until such a key frame is there.
   */
  startPointFrom(fromMs: number | undefined, generationMin = 0): StartPoint | undefined {
    const points = this.#startIndexes().filter((index) => this.#at(index).generation.number >= generationMin);
    return this.#pointAt(points.find((index) => fromMs === undefined || this.#at(index).presentationMs >= fromMs));
  }

  /** Nothing more comes; the first to say so counts. Sound of a picture that stopped before it is heard alone, unless somebody has something to show for it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { sealed, video, audio, keepsPicture = false } = this.#generation;
    const { video: seenMs, audio: heardMs } = this.#latestOf;
    if (sealed && !keepsPicture && video !== undefined && audio !== undefined && heardMs - seenMs > heardAloneMs) this.#goOnWithout('video', heardMs);
  }

  /** The newest key frame: for a run that gives up what lies before it. */
  latestStartPoint(): StartPoint | undefined {
    return this.#pointAt(this.#startIndexes().at(-1));
  }

  /** Forgets the media before the last key frame at or before `ms`: it is in stored segments. */
  forgetBefore(ms: number): void {
    const point = this.#startIndexes().findLast((index) => this.#at(index).presentationMs <= ms);
    if (point !== undefined) this.#forget(Math.min(point, this.#readIndex) - interleaveTags);
  }

  /**
   * For a session that nobody reads: forgets what lies before the last key frame at or before `ms`, and more where the bound
   * wants it, whole groups of pictures at a time.
   */
  keepSince(ms: number): void {
    const points = this.#startIndexes();
    let point = points.findLast((index) => this.#at(index).presentationMs <= ms) ?? this.#firstIndex;
    this.#readIndex = Math.max(this.#readIndex, point);
    this.#forget(point - interleaveTags);
    for (const next of points) {
      if (next <= point || this.#bytes <= this.#bytesMax * 0.75) continue;
      point = next;
      this.#readIndex = Math.max(this.#readIndex, point);
      this.#forget(point - interleaveTags);
    }
  }

  #pointAt(index: number | undefined): StartPoint | undefined {
    if (index === undefined) return undefined;
    const tag = this.#at(index);
    const source = this.#sourceOf(tag.generation);
    if (source === undefined) return undefined;
    const tracks = tag.generation.beside ?? [];
    const unaligned = tracks.filter((track) => !this.#comesAlong(index, track));
    const isDue = (track: SourceTrack): boolean => this.#isClosed || this.latestMs - tag.timestampMs >= this.#reachMs(track);
    if (!unaligned.every(isDue)) return undefined;
    tag.generation.sealed = true;
    this.#pinnedIndex = Math.max(this.#pinnedIndex, index + 1);
    const sound = this.#metadata.audioTracks?.[0];
    const about = { index, tag, source, ...(sound && { sound }), sounds: this.#book.sounds };
    if (tracks.length === 0) return about;
    const beside = tracks.filter((track) => !unaligned.includes(track)).map((track) => ({ track, metadata: this.#said(track) }));
    return { ...about, beside, unaligned };
  }

  #said({ kind, track }: SourceTrack): TrackMetadata {
    return (kind === 'video' ? this.#metadata.videoTracks : this.#metadata.audioTracks)?.[track] ?? {};
  }

  /** A picture that can be begun with at about the same moment as the first track's; sound of that time. */
  #comesAlong(index: number, track: SourceTrack): boolean {
    const { presentationMs, timestampMs } = this.#at(index);
    const untilMs = timestampMs + this.#reachMs(track);
    for (let at = Math.max(this.#firstIndex, index - interleaveTags); at < this.nextIndex; at++) {
      const tag = this.#at(at);
      if (tag.timestampMs > untilMs) return false;
      if (tag.beside !== track) continue;
      if (track.kind === 'audio' ? tag.timestampMs <= timestampMs + besideMsMax : tag.keyFrame && Math.abs(tag.presentationMs - presentationMs) <= besideMs)
        return true;
    }
    return false;
  }

  /** How long a track is looked for behind where the first one begins. Silence is made a while after it is due. */
  #reachMs(track: SourceTrack): number {
    return this.#book.isSure(track) ? silenceMsMax : besideMsMax;
  }

  #pushBeside(kind: Kind, number: number, { timestampMs, body }: FlvTag): void {
    const header = kind === 'video' ? readVideoHeader(body) : { ...readAudioHeader(body), keyFrame: true };
    if (header.kind === 'sequence-header') this.#book.configure(kind, number, body);
    const heard = header.kind === 'frames' ? this.#book.hear(kind, number, timestampMs) : undefined;
    if (heard === undefined) return;
    const { track, frames } = heard;
    for (const frame of frames) this.#keepSilence(frame, track);
    const presentationMs = kind === 'video' ? timestampMs + videoPayload(body).compositionMs : timestampMs;
    this.#keep({ kind, timestampMs, presentationMs, keyFrame: header.keyFrame, body, generation: this.#generation, beside: track });
  }

  /** At a key frame: tracks come and go with a new generation, so that each run has the same ones from its beginning to its end. */
  #settleTracks(atMs: number): void {
    this.#settledMs = atMs;
    const { tracks, isBroken } = this.#book.settle(atMs);
    const { beside = [], sealed, video, audio } = this.#generation;
    if (!isBroken && beside.length === tracks.length && beside.every((one) => tracks.includes(one))) return;
    if (sealed) this.#begin({ video, audio });
    this.#generation.beside = tracks;
  }

  #at(index: number): FeedTag {
    return this.#tags[index - this.#firstIndex] as FeedTag;
  }

  /** Key frames; in a generation without video every frame of audio. */
  #startIndexes(): number[] {
    const indexes: number[] = [];
    this.#tags.forEach((tag, at) => {
      if (tag.beside !== undefined) return;
      if (tag.keyFrame || (tag.kind === 'audio' && tag.generation.video === undefined)) indexes.push(this.#firstIndex + at);
    });
    return indexes;
  }

  /** A kind is absent only after enough media of the other kind has come without it. */
  #sourceOf(generation: Generation): SourceInfo | undefined {
    const source = sourceInfo({ ...generation, metadata: this.#metadata });
    const isWhole = source.video !== undefined && source.audio !== undefined;
    if (generation.sealed || generation.muted || (isWhole && this.#hasMedia('audio', generation))) return source;
    const first = this.#tags.find((tag) => tag.generation === generation)?.timestampMs ?? 0;
    const waitedMs = this.latestMs - first;
    if (isWhole && waitedMs < videoOnlyAfterMs) return undefined;
    if (isWhole) return this.#withoutSound(generation);
    if (source.video !== undefined) return waitedMs >= videoOnlyAfterMs ? source : undefined;
    return source.audio !== undefined && waitedMs >= audioOnlyAfterMs ? source : undefined;
  }

  /** Sound is announced and does not come, in a codec in which no silence can stand in for it. */
  #withoutSound(generation: Generation): SourceInfo | undefined {
    // Silence is due at the next picture.
    if (this.#filler.canFill && generation === this.#generation) return undefined;
    generation.audio = undefined;
    generation.muted = true;
    return sourceInfo({ ...generation, metadata: this.#metadata });
  }

  #configure(kind: Kind, told: Uint8Array): void {
    if (kind === 'audio') this.#filler.configure(told);
    const before = this.#headers[kind];
    // Encoders repeat their headers: only a real change counts.
    if (before !== undefined && equal(before, told)) return;
    // Kept for as long as the session: not with all that came beside it.
    const body = told.slice();
    this.#headers[kind] = body;
    if (this.#isMuted(kind)) return;
    if (this.#generation.sealed || this.#hasMedia(kind)) this.#begin({ ...this.#generation, [kind]: body });
    else this.#generation[kind] = body;
  }

  /** What is kept under the old configuration cannot be decoded with the new one. */
  #hasMedia(kind: Kind, generation = this.#generation): boolean {
    return generation[kind] !== undefined && this.#tags.some((tag) => tag.kind === kind && tag.beside === undefined && tag.generation === generation);
  }

  /** Puts silence where sound is missing; false for sound whose place silence has taken. */
  #isInTime(kind: Kind, { timestampMs }: FlvTag): boolean {
    for (const { track, frames } of this.#book.silenceAt(timestampMs)) for (const frame of frames) this.#keepSilence(frame, track);
    if (this.#generation.audio === undefined) return true;
    const silent = kind === 'video' ? this.#filler.pictureAt(timestampMs) : this.#filler.soundAt(timestampMs);
    for (const frame of silent ?? []) this.#keepSilence(frame);
    return silent !== undefined;
  }

  /** Where it belongs by its time, as far as nobody has read on: what reads the beginning finds sound beside the picture. */
  #keepSilence({ timestampMs, body }: SilentFrame, beside?: SourceTrack): void {
    const about = { kind: 'audio', timestampMs, presentationMs: timestampMs, keyFrame: beside !== undefined, body, generation: this.#generation } as const;
    const tag: FeedTag = { ...about, ...(beside && { beside }) };
    if (beside === undefined) this.#latestOf.audio = Math.max(this.#latestOf.audio, timestampMs);
    const least = Math.max(this.#readIndex, this.#pinnedIndex) - this.#firstIndex;
    let at = this.#tags.length;
    while (at > least && at > 0 && this.#isAfter(at - 1, timestampMs)) at -= 1;
    if (at === this.#tags.length) return this.#keep(tag);
    this.#tags.splice(at, 0, tag);
    this.#bytes += body.length;
  }

  #isAfter(at: number, ms: number): boolean {
    const tag = this.#tags[at];
    return tag !== undefined && tag.timestampMs > ms && tag.generation === this.#generation;
  }

  #begin({ video, audio }: Pick<Generation, Kind>): void {
    const muted = video !== this.#headers.video || audio !== this.#headers.audio;
    this.#generation = { number: this.#generation.number + 1, video, audio, sealed: false, muted };
  }

  /** It is configured, and left out for as long as nothing comes of it. */
  #isMuted(kind: Kind): boolean {
    return this.#generation.muted && this.#generation[kind] === undefined;
  }

  /**
   * A publisher's microphone or camera may stop while the other goes on: the encoder would wait for it for ever, so the
   * silent kind is left out until it is back.
   */
  #noticeSilence(kind: Kind, timestampMs: number): void {
    const other = kind === 'video' ? 'audio' : 'video';
    const generation = this.#generation;
    this.#latestOf[kind] = Math.max(this.#latestOf[kind], timestampMs);
    if (this.#isMuted(kind)) {
      this.#latestOf[other] = Math.max(this.#latestOf[other], timestampMs);
      return this.#begin(this.#headers);
    }
    this.#leavePicture(kind, timestampMs);
    const isSilent = generation[other] !== undefined && timestampMs - this.#latestOf[other] > silentAfterMs[other];
    const isKept = other === 'video' && generation.keepsPicture === true;
    if (generation.sealed && isSilent && !isKept) this.#goOnWithout(other, timestampMs);
  }

  /**
   * From where the silent kind stopped, not from where that was noticed: what has come since belongs to runs without it, which begin
   * there, with a frame of sound or a key frame.
   */
  #goOnWithout(silent: Kind, timestampMs: number): void {
    const before = this.#generation;
    this.#begin({ ...before, [silent]: undefined });
    // Those that go on are begun with at once, not a moment later by a generation of their own.
    if (silent === 'video') this.#generation.beside = this.#book.settle(timestampMs).tracks;
    const isLast = ({ kind, beside }: FeedTag): boolean => kind === silent && beside === undefined;
    const end = this.#tags.findLastIndex(isLast);
    const from = silent === 'video' ? end + 1 : this.#tags.findLastIndex((tag, at) => tag.keyFrame && tag.beside === undefined && at <= end);
    for (let at = Math.max(0, from); at < this.#tags.length; at++) {
      const tag = this.#tags[at] as FeedTag;
      if (tag.generation === before) this.#tags[at] = { ...tag, generation: this.#generation };
    }
  }

  /** A picture is announced and does not come: what is heard until it does is not held back for it. */
  #leavePicture(kind: Kind, timestampMs: number): void {
    const generation = this.#generation;
    if (kind === 'video' || generation.sealed || generation.video === undefined || this.#hasMedia('video')) return;
    const firstMs = this.#tags.find((tag) => tag.generation === generation)?.timestampMs ?? timestampMs;
    if (timestampMs - firstMs <= silentAfterMs.video) return;
    generation.video = undefined;
    generation.muted = true;
  }

  #readMetadata(body: Uint8Array): void {
    try {
      this.#metadata = decodeMetadata(body) ?? this.#metadata;
    } catch (error) {
      if (!(error instanceof FlvError)) throw error;
    }
  }

  #append(kind: Kind, { timestampMs, body }: FlvTag, keyFrame: boolean): void {
    // A picture that is back can be seen from its next key frame on: until then the sound goes on alone.
    if (kind === 'video' && !keyFrame && this.#isMuted(kind)) return;
    this.#noticeSilence(kind, timestampMs);
    const isSoundAlone = kind === 'audio' && this.#generation.video === undefined;
    if (keyFrame || (isSoundAlone && timestampMs - this.#settledMs >= settleSoundMs)) this.#settleTracks(timestampMs);
    const presentationMs = kind === 'video' ? timestampMs + videoPayload(body).compositionMs : timestampMs;
    if (keyFrame || isSoundAlone) this.#keyFrames += 1;
    this.#keep({ kind, timestampMs, presentationMs, keyFrame, body, generation: this.#generation });
  }

  #keep(tag: FeedTag): void {
    this.#tags.push(tag);
    this.#bytes += tag.body.length;
    if (this.full) this.#forget(Math.min(this.#readIndex, this.#excessEnd()));
  }

  /** The number of the tag up to which forgetting brings the feed back to three quarters of its bound. */
  #excessEnd(): number {
    let left = this.#bytes - this.#bytesMax * 0.75;
    let index = this.#firstIndex;
    for (const { body } of this.#tags) {
      if (left <= 0) break;
      left -= body.length;
      index += 1;
    }
    return index;
  }

  #forget(before: number): void {
    const count = Math.min(this.#tags.length, before - this.#firstIndex);
    if (count <= 0) return;
    for (const { body } of this.#tags.slice(0, count)) this.#bytes -= body.length;
    this.#tags = this.#tags.slice(count);
    this.#firstIndex += count;
  }
}

/** Audio that belongs behind a key frame may have been sent a little before it. */
export const interleaveTags = 50;

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A relay's own, which are whole; whatever else comes is passed over. */
function trackBody(body: Uint8Array, kind: Kind): ReturnType<typeof trackBodyOf> {
  try {
    return trackBodyOf(body, kind);
  } catch (error) {
    if (error instanceof FlvError) return undefined;
    throw error;
  }
}
