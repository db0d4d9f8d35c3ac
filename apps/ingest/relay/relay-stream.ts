import { encodeFlvHeader, encodeTag, encodeTimeZero, tagType } from '#core/flv';
import { GopCache, MediaRing, type MediaMessage, type RingGroup, type SlabPart } from '#core/rtmp';
import type { Millis } from '#kernel';
import type { RelayReader } from './relay-reader.ts';
import { SegmentPace } from './segment-pace.core.ts';

/** Media without video after this time is a stream without video: its readers start with all that there is of its sound. */
const audioOnlyAfterMs = 2_000;

/** What one session may keep; it changes with the number of sessions. */
export interface RelayShare {
  readonly gopBytesMax: number;
  /** How much media is kept for a packager that is away, ms; 0: none. */
  readonly keepMsMax: number;
  /** Packagers here say how far they got, and another one goes on from there. */
  readonly hasKeepers: boolean;
  /** A packager has said so. */
  keeps(): void;
  /** Media that is kept for a packager became so much more, or less. */
  held(bytes: number): void;
}

/** What a reader that goes on from some place is given. */
export interface Resumed {
  readonly bytes: number;
  /** Media that it begins with, and that is not there any more, ms. */
  readonly keptMs: number;
  readonly missingMs: number;
}

type Config = { readonly type: MediaMessage['type']; readonly body: Uint8Array };
/** Sequence headers by kind and track. */
type Configs = ReadonlyMap<string, Config>;

/** One session as FLV for any number of readers. */
export class RelayStream {
  readonly sessionId: string;
  readonly #ring = new MediaRing<Configs>();
  /** All sound so far, until it is known whether a picture comes: readers wait for one, and hear all of it when none does. */
  #sound: GopCache | undefined = new GopCache();
  readonly #pace = new SegmentPace();
  readonly #share: RelayShare;
  readonly #readers = new Set<RelayReader>();
  #metadata: Uint8Array | undefined;
  /** Never changed, but replaced: what is kept of the past has its own. */
  #configs: Configs = new Map();
  /** What the session is configured for. */
  readonly #has = { audio: false, video: false };
  #latestMs = 0;
  #zeroMs: Millis | undefined;
  /** Bytes of the ring that the share was told of. */
  #told = 0;

  constructor(sessionId: string, share: RelayShare) {
    this.sessionId = sessionId;
    this.#share = share;
    // A packager that is away just now wants all of it.
    if (share.hasKeepers && share.keepMsMax > 0) this.#ring.keepFrom(0);
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Where the session stands on its own timeline, ms. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** By when its first frame came, the session's time zero was then; what later frames say of it counts no more. */
  began(atMs: Millis): void {
    this.#zeroMs ??= atMs;
  }

  setMetadata(body: Uint8Array): void {
    this.#metadata = body;
    this.#sendToStarted(encodeTag({ type: tagType.script, timestampMs: 0, body }));
  }

  /** A word about a moment of the stream, for those who read now: who joins later is not told of the past. */
  addCue(timestampMs: number, body: Uint8Array): void {
    this.#sendInPlace(encodeTag({ type: tagType.script, timestampMs, body }));
  }

  /** Takes a message over: whoever still needs its memory afterwards has retained it. */
  add(message: MediaMessage): void {
    this.#latestMs = Math.max(this.#latestMs, message.timestampMs);
    if (message.packet === 'sequence-header') this.#setConfig(message);
    else if (message.packet === 'frames') this.#addFrames(message);
    message.tag.release();
  }

  join(reader: RelayReader): void {
    this.#readers.add(reader);
    const group = this.#ring.newest;
    if (group !== undefined) this.#startAt(reader, [{ ...group, lead: [] }]);
  }

  /**
   * Begins with the last group that is shown at or before `fromMs`, and keeps from now on what the reader does not say that it has
   * (`keepFrom`): also when it is gone, for the next one.
   */
  resume(reader: RelayReader, fromMs: number): Resumed {
    this.#readers.add(reader);
    reader.isPackager = true;
    if (this.#share.keepMsMax > 0) {
      this.#share.keeps();
      this.keepFrom(fromMs);
    }
    const groups = this.#ring.from(fromMs);
    const first = groups[0];
    if (first === undefined) return { bytes: 0, keptMs: 0, missingMs: 0 };
    this.#startAt(reader, groups);
    const missingMs = fromMs === 0 ? 0 : Math.max(0, first.shownMs - fromMs);
    return { bytes: groups.reduce((sum, { bytes }) => sum + bytes, 0), keptMs: this.#latestMs - first.startMs, missingMs };
  }

  /** What is shown before `ms` is stored. */
  keepFrom(ms: number): void {
    if (this.#share.keepMsMax === 0) return;
    this.#ring.keepFrom(ms);
    this.#tellShare();
  }

  /** What is kept for a packager, bytes. */
  get keptBytes(): number {
    return this.#ring.isKept ? this.#ring.bytes : 0;
  }

  /** Answers false when nothing is kept. */
  giveUpOldest(): boolean {
    const had = this.#ring.dropOldest();
    this.#tellShare();
    return had;
  }

  leave(reader: RelayReader): void {
    this.#readers.delete(reader);
  }

  close(): void {
    this.#ring.clear();
    this.#tellShare();
    this.#forgetSound();
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  /** Encoders repeat their configuration; only one that differs is news to a decoder. */
  #setConfig({ type, track, timestampMs, tag }: MediaMessage): void {
    const body = tag.copyBody();
    const name = `${type}:${track}`;
    const before = this.#configs.get(name);
    if (before !== undefined && Buffer.compare(before.body, body) === 0) return;
    this.#configs = new Map([...this.#configs, [name, { type, body }]]);
    if (track === 0) this.#has[type === tagType.video ? 'video' : 'audio'] = true;
    // Frames under the old configuration cannot be decoded with the new one.
    if (type === tagType.video && (track === 0 || before !== undefined)) this.#ring.reconfigured();
    this.#sendInPlace(encodeTag({ type, timestampMs, body }));
  }

  #addFrames(message: MediaMessage): void {
    const { gopBytesMax, keepMsMax } = this.#share;
    const isSoundAlone = !this.#has.video && this.#latestMs >= audioOnlyAfterMs;
    if (isSoundAlone && this.#sound?.startMs !== undefined) this.#ring.seed(this.#sound.startMs, this.#sound.parts, this.#configs);
    this.#ring.add(message, { context: () => this.#configs, isSoundAlone, bytesMax: gopBytesMax, keepMsMax });
    this.#tellShare();
    const { tag, timestampMs } = message;
    if (!this.#has.video) this.#sound?.add({ tag, timestampMs, keyFrame: this.#sound.startMs === undefined }, gopBytesMax);
    if (this.#readers.size > 0) this.#send(message, isSoundAlone);
    if (this.#has.video || isSoundAlone) this.#forgetSound();
  }

  #send(message: MediaMessage, isSoundAlone: boolean): void {
    const isUrgent = this.#pace.isUrgent(message, this.#has);
    const { parts } = message.tag;
    const sound = this.#sound?.parts ?? [];
    for (const reader of this.#readers) {
      if (reader.started) reader.sendParts(parts, isUrgent);
      else if (message.keyFrame) this.#startWith(reader, parts, isUrgent);
      else if (isSoundAlone) this.#startWith(reader, sound.length > 0 ? sound : parts, isUrgent);
    }
  }

  #forgetSound(): void {
    this.#sound?.clear();
    this.#sound = undefined;
  }

  #startWith(reader: RelayReader, parts: readonly SlabPart[], isUrgent: boolean): void {
    this.#start(reader, this.#configs, this.#ring.newest?.startMs ?? this.#sound?.startMs ?? this.#latestMs);
    reader.sendParts(parts, isUrgent);
  }

  #startAt(reader: RelayReader, groups: readonly RingGroup<Configs>[]): void {
    const [first] = groups;
    if (first === undefined) return;
    this.#start(reader, first.context, first.startMs);
    // What is sent before the first key frame and lies in no group that is sent.
    reader.replay([...first.lead, ...groups.flatMap(({ pieces }) => pieces)]);
  }

  #start(reader: RelayReader, configs: Configs, timestampMs: number): void {
    reader.started = true;
    reader.sendBytes(encodeFlvHeader(this.#has));
    if (reader.isPackager && this.#zeroMs !== undefined)
      reader.sendBytes(encodeTag({ type: tagType.script, timestampMs: 0, body: encodeTimeZero(this.#zeroMs) }));
    // Always at time 0: demuxers take a later script tag for a text track.
    if (this.#metadata !== undefined) reader.sendBytes(encodeTag({ type: tagType.script, timestampMs: 0, body: this.#metadata }));
    for (const { type, body } of inOrder(configs)) reader.sendBytes(encodeTag({ type, timestampMs, body }));
  }

  #tellShare(): void {
    const bytes = this.keptBytes;
    const more = bytes - this.#told;
    this.#told = bytes;
    if (more !== 0) this.#share.held(more);
  }

  /** Also to those who come later and begin before it. */
  #sendInPlace(bytes: Uint8Array): void {
    if (this.#ring.isKept) this.#ring.addBytes(bytes);
    this.#sendToStarted(bytes);
  }

  #sendToStarted(bytes: Uint8Array): void {
    for (const reader of this.#readers) if (reader.started) reader.sendBytes(bytes);
  }
}

/** The first tracks first: the picture, then the sound. */
function inOrder(configs: Configs): readonly Config[] {
  const first = [`${tagType.video}:0`, `${tagType.audio}:0`];
  const others = [...configs.keys()].filter((name) => !first.includes(name));
  return [...first, ...others].flatMap((name) => configs.get(name) ?? []);
}
