import { encodeFlvHeader, encodeTag, tagType } from '#core/flv';
import { GopCache, type MediaMessage, type SlabPart } from '#core/rtmp';
import type { RelayReader } from './relay-reader.ts';
import { SegmentPace } from './segment-pace.core.ts';

/** Media without video after this time is a stream without video: its readers start with all that there is of its sound. */
const audioOnlyAfterMs = 2_000;

/** How much one session may keep; it changes with the number of sessions. */
export interface GopShare {
  readonly gopBytesMax: number;
}

/** One session as FLV for any number of readers. */
export class RelayStream {
  readonly sessionId: string;
  readonly #gop = new GopCache();
  /** All sound so far, until it is known whether a picture comes: readers wait for one, and hear all of it when none does. */
  #sound: GopCache | undefined = new GopCache();
  readonly #pace = new SegmentPace();
  readonly #share: GopShare;
  readonly #readers = new Set<RelayReader>();
  #metadata: Uint8Array | undefined;
  /** Sequence headers by kind and track. */
  readonly #configs = new Map<string, { readonly type: MediaMessage['type']; readonly body: Uint8Array }>();
  /** What the session is configured for. */
  readonly #has = { audio: false, video: false };
  #latestMs = 0;

  constructor(sessionId: string, share: GopShare) {
    this.sessionId = sessionId;
    this.#share = share;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Where the session stands on its own timeline, ms. */
  get latestMs(): number {
    return this.#latestMs;
  }

  setMetadata(body: Uint8Array): void {
    this.#metadata = body;
    this.#sendToStarted(encodeTag({ type: tagType.script, timestampMs: 0, body }));
  }

  /** A word about a moment of the stream, for those who read now: who joins later is not told of the past. */
  addCue(timestampMs: number, body: Uint8Array): void {
    this.#sendToStarted(encodeTag({ type: tagType.script, timestampMs, body }));
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
    if (this.#gop.parts.length === 0) return;
    this.#start(reader);
    reader.sendParts(this.#gop.parts, true);
  }

  leave(reader: RelayReader): void {
    this.#readers.delete(reader);
  }

  close(): void {
    this.#gop.clear();
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
    this.#configs.set(name, { type, body });
    if (track === 0) this.#has[type === tagType.video ? 'video' : 'audio'] = true;
    // Frames under the old configuration cannot be decoded with the new one.
    if (type === tagType.video && (track === 0 || before !== undefined)) this.#gop.clear();
    this.#sendToStarted(encodeTag({ type, timestampMs, body }));
  }

  #addFrames(message: MediaMessage): void {
    this.#gop.add(message, this.#share.gopBytesMax);
    const isSoundAlone = !this.#has.video && this.#latestMs >= audioOnlyAfterMs;
    const { tag, timestampMs } = message;
    if (!this.#has.video) this.#sound?.add({ tag, timestampMs, keyFrame: this.#sound.startMs === undefined }, this.#share.gopBytesMax);
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
    this.#start(reader);
    reader.sendParts(parts, isUrgent);
  }

  #start(reader: RelayReader): void {
    reader.started = true;
    reader.sendBytes(encodeFlvHeader(this.#has));
    const timestampMs = this.#gop.startMs ?? this.#sound?.startMs ?? this.#latestMs;
    // Always at time 0: demuxers take a later script tag for a text track.
    if (this.#metadata !== undefined) reader.sendBytes(encodeTag({ type: tagType.script, timestampMs: 0, body: this.#metadata }));
    for (const { type, body } of this.#configsInOrder()) reader.sendBytes(encodeTag({ type, timestampMs, body }));
  }

  /** The first tracks first: the picture, then the sound. */
  #configsInOrder(): ReadonlyArray<{ readonly type: MediaMessage['type']; readonly body: Uint8Array }> {
    const first = [`${tagType.video}:0`, `${tagType.audio}:0`];
    const others = [...this.#configs.keys()].filter((name) => !first.includes(name));
    return [...first, ...others].flatMap((name) => this.#configs.get(name) ?? []);
  }

  #sendToStarted(bytes: Uint8Array): void {
    for (const reader of this.#readers) if (reader.started) reader.sendBytes(bytes);
  }
}
