import { renderCaptions, type ChannelCues } from '#core/captions';
import { encodingAdapted, encodingDelayed, keyFramesMax, segmentProduced, type EventOf } from '#events';
import type { LeftOut, PartialSegment, ProducedSegment, SegmentGroup, TrackInit } from '#core/fmp4';
import { hasCode, OperatingError } from '#kernel';
import type { BlobInfo, BlobStore } from '#ports';
import { backOffMs, pause, type FactPublisher, type Logger } from '#runtime';
import type { RunAnnouncer } from '../edge/run-announcer.ts';
import { causeOf, type LiveSession } from '../fold/stream-fold.core.ts';
import { programDateTime } from './run-plan.core.ts';

export interface SegmentCommitterInit {
  readonly streamId: string;
  readonly session: LiveSession;
  /** Of this machine, for the log. */
  readonly node: string;
  readonly producer: { readonly id: string; readonly epoch: bigint };
  /** The `encoding.started` of this run: what caused its segments. */
  readonly encodingId: string | undefined;
  readonly offsetMs: number;
  /** True when the first group does not continue the segments before. */
  readonly discontinuity: boolean;
  /** Initialisations of the segments before, by rendition: one that differs makes a discontinuity. Undefined for none. */
  readonly initCidsBefore: Readonly<Record<string, string>> | undefined;
  /** Those that renditions had last which the segments before do not have. */
  readonly initCidsKnown?: Readonly<Record<string, string>> | undefined;
  /** Renditions that may begin in the middle of the stream without breaking it for the others. */
  readonly mayJoin?: ReadonlySet<string>;
  /** Groups that may wait; `room` then holds the encoder up. */
  readonly waitingMax: number;
  /** How long a store may refuse us before the run ends, ms; 60,000 by default. */
  readonly refusedMsMax?: number;
}

export interface SegmentCommitterDeps {
  readonly blobs: BlobStore;
  readonly facts: FactPublisher;
  readonly logger: Logger;
  /** Called after a group is on the log, with how its renditions are coded. */
  readonly onCommitted: (group: SegmentGroup, tracks: ReadonlyMap<string, StoredTrack>) => void;
  /** What a viewer with captions sees in a stretch of the session's time, ms. */
  readonly captions?: ((fromMs: number, untilMs: number) => readonly ChannelCues[]) | undefined;
  /** Told of parts at once, and of segments when they are on the log. */
  readonly announcer?: RunAnnouncer | undefined;
}

/** Errors after which the same group is tried again for as long as it takes: nothing is dropped. */
const transient = new Set(['LOG_FULL', 'PUBLISHER_BUSY', 'BLOB_STORE_FULL', 'BLOB_STORE_UNAVAILABLE', 'LOG_UNAVAILABLE']);

/**
 * Errors that somebody has to mend, who often does: keys are rotated, rights and buckets come a moment late. Tried again
 * for a while; then the run ends with the store's own sentence, and the next one tries. Whatever else a store answers
 * (it does not understand us, a blob is too large) comes again however often it is asked.
 */
const refusals = ['BLOB_STORE_REFUSED', 'BLOB_BUCKET_MISSING'];
const refusedMsMaxDefault = 60_000;

type Track = NonNullable<EventOf<typeof segmentProduced>['data']['track']>;
type Captions = NonNullable<EventOf<typeof segmentProduced>['data']['captions']>;
type DelayReason = EventOf<typeof encodingDelayed>['data']['reason'];

/** How a rendition's segments are coded, and where that is stored. */
export interface StoredTrack {
  readonly initCid: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** A segment that is stored, and what is told of it. */
interface ToAnnounce {
  readonly segment: ProducedSegment;
  readonly stored: BlobInfo;
  readonly discontinuity: boolean;
  readonly captions: Captions;
}

/** How long storing had to wait, and for what. */
interface Delay {
  readonly reason: DelayReason;
  readonly ms: number;
}

/** Stores groups of segments and announces each in one append, in order: first the bytes, then the fact. */
export class SegmentCommitter {
  readonly #init: SegmentCommitterInit;
  readonly #deps: SegmentCommitterDeps;
  readonly #inits = new Map<string, BlobInfo & { readonly track: Track }>();
  readonly #abort = new AbortController();
  readonly #failed: (error: unknown) => void;
  /** Rejects with the error that ended committing. */
  readonly failure: Promise<never>;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();
  #first = true;
  #wake: Array<() => void> = [];
  #blocked = false;
  /** The longest wait of the group in hand. */
  #delay: Delay | undefined;

  constructor(init: SegmentCommitterInit, deps: SegmentCommitterDeps) {
    this.#init = init;
    this.#deps = deps;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failure = promise;
    this.failure.catch(() => {});
    this.#failed = reject;
  }

  /** True while a store or the log does not take what it is given, or takes it so slowly that the encoder is held up. */
  get blocked(): boolean {
    return this.#blocked || this.#waiting >= this.#init.waitingMax;
  }

  /** Initialisation segment of a rendition; before its first group. */
  begin(rendition: string, bytes: Uint8Array, track: TrackInit): void {
    this.#enqueue(async () => {
      const stored = await this.#untilDone(() => this.#deps.blobs.put(bytes));
      const coded = announced(track);
      this.#inits.set(rendition, { ...stored, track: coded });
      this.#deps.announcer?.begin(rendition, stored.cid, coded);
    });
  }

  /** A part of a segment that will be added. */
  part(part: PartialSegment): void {
    this.#deps.announcer?.part(part);
  }

  /** Nothing more comes of a rendition, and nobody waits for it. */
  leaveOut({ rendition, reason }: LeftOut): void {
    const { streamId } = this.#init;
    this.#deps.logger.warn({ streamId, rendition, reason }, 'a track of the publisher is left out');
    this.#deps.announcer?.leaveOut(rendition);
  }

  /** Puts on the log how what is made was changed, behind what was added before it. */
  tell(change: Pick<EventOf<typeof encodingAdapted>['data'], 'step' | 'direction' | 'detail'>): void {
    const { streamId, session, producer, node } = this.#init;
    const about = { streamId, sessionId: session.sessionId, epoch: Number(producer.epoch), node };
    this.#enqueue(async () => void (await this.#publish([encodingAdapted.draft({ ...about, ...change })])));
  }

  add(group: SegmentGroup): void {
    this.#waiting += 1;
    this.#enqueue(async () => {
      await this.#commit(group);
      this.#waiting -= 1;
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  /** Resolves when few enough groups wait, or committing ended. */
  async room(): Promise<void> {
    while (this.#waiting >= this.#init.waitingMax && !this.#abort.signal.aborted) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Resolves when everything added is on the log. @throws what committing failed with */
  async drained(): Promise<void> {
    await Promise.race([this.#tail, this.failure]);
  }

  /** Gives up what is not on the log yet. */
  abort(): void {
    this.#end(new OperatingError('Committing was given up.', { code: 'COMMIT_ABORTED', retryable: true }));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(async () => {
      if (this.#abort.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#end(error);
      }
    });
  }

  #end(error: unknown): void {
    this.#deps.announcer?.end();
    this.#abort.abort();
    this.#failed(error);
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #commit(group: SegmentGroup): Promise<void> {
    const { announcer, blobs, onCommitted } = this.#deps;
    const stored = await Promise.all(group.segments.map(({ bytes }) => this.#untilDone(() => blobs.put(bytes))));
    const captions = await this.#captions(group);
    const discontinuity = this.#first && this.#isDiscontinuity(group);
    const drafts = group.segments.map((segment, index) => this.#draft(group, { segment, stored: stored[index] as BlobInfo, discontinuity, captions }));
    await this.#publish(drafts);
    this.#first = false;
    announcer?.committed(drafts.map(({ data }) => data));
    onCommitted(group, this.#tracks());
    await this.#tellDelay(group.mediaSequence);
  }

  #tracks(): ReadonlyMap<string, StoredTrack> {
    return new Map([...this.#inits].map(([rendition, { cid, track }]) => [rendition, { initCid: cid, width: track.width, height: track.height }]));
  }

  /** Only now, when the log takes it: it is often the same disk that was full. */
  async #tellDelay(mediaSequence: number): Promise<void> {
    const delay = this.#delay;
    this.#delay = undefined;
    if (delay === undefined) return;
    const { streamId, session, producer, node } = this.#init;
    const { reason, ms } = delay;
    const delayMs = Math.round(ms);
    await this.#publish([
      encodingDelayed.draft({ streamId, sessionId: session.sessionId, epoch: Number(producer.epoch), node, reason, delayMs, mediaSequence }),
    ]);
    this.#delay = undefined;
  }

  #publish(drafts: Parameters<FactPublisher['publish']>[1]): Promise<unknown> {
    const { producer, session, encodingId } = this.#init;
    const options = { producer, ...causeOf(session, encodingId), tenant: session.tenant, signal: this.#abort.signal };
    return this.#untilDone(() => this.#deps.facts.publish('stream', drafts, options));
  }

  #isDiscontinuity({ segments }: SegmentGroup): boolean {
    return breaks(this.#init, new Map(segments.map(({ rendition }) => [rendition, this.#inits.get(rendition)?.cid])));
  }

  /** Stored with the segments that they belong to, so that both are there or neither is. */
  #captions({ segments }: SegmentGroup): Promise<Captions> {
    const { captions } = this.#deps;
    const picture = segments.find(({ rendition }) => this.#isPicture(rendition));
    if (captions === undefined || picture === undefined) return Promise.resolve([]);
    const { startUs, durationUs } = picture;
    const { offsetMs } = this.#init;
    const channels = captions(startUs / 1000 - offsetMs, (startUs + durationUs) / 1000 - offsetMs);
    return Promise.all(
      channels.map(async ({ channel, cues }) => {
        const placed = cues.map((cue) => ({ ...cue, startMs: cue.startMs + offsetMs, endMs: cue.endMs + offsetMs }));
        const bytes = new TextEncoder().encode(renderCaptions({ startUs, cues: placed }));
        const { cid, sizeBytes } = await this.#untilDone(() => this.#deps.blobs.put(bytes));
        return { channel, cid, sizeBytes };
      }),
    );
  }

  #isPicture(rendition: string): boolean {
    return this.#inits.get(rendition)?.track.width !== undefined;
  }

  #draft({ mediaSequence }: SegmentGroup, { segment, stored, discontinuity, captions }: ToAnnounce) {
    const { streamId, session, producer, offsetMs } = this.#init;
    const { rendition, startUs, durationUs, startTicks, durationTicks, keyFrames } = segment;
    const init = this.#inits.get(rendition);
    if (init === undefined) throw new OperatingError(`${rendition} has segments before its initialisation.`, { code: 'INIT_MISSING', retryable: false });
    return segmentProduced.draft({
      streamId,
      sessionId: session.sessionId,
      rendition,
      epoch: Number(producer.epoch),
      mediaSequence,
      cid: stored.cid,
      sizeBytes: stored.sizeBytes,
      initCid: init.cid,
      initSizeBytes: init.sizeBytes,
      durationUs,
      startUs,
      programDateTimeMs: programDateTime(session, offsetMs, startUs),
      discontinuity,
      track: init.track,
      startTicks,
      durationTicks,
      ...(keyFrames.length === 0 ? {} : { keyFrames: keyFrames.slice(0, keyFramesMax) }),
      ...(captions.length === 0 || !this.#isPicture(rendition) ? {} : { captions }),
    });
  }

  #mayBeMended(error: unknown, begunAt: number): boolean {
    return isRefusal(error) && performance.now() - begunAt < (this.#init.refusedMsMax ?? refusedMsMaxDefault);
  }

  #tellWait(err: unknown): void {
    const { streamId } = this.#init;
    if (isRefusal(err)) this.#deps.logger.error({ err, streamId }, `segments wait until somebody mends this: ${(err as Error).message}`);
    else this.#deps.logger.warn({ err, streamId }, 'segments wait: a store or the log takes nothing');
  }

  async #untilDone<T>(act: () => Promise<T>): Promise<T> {
    const begunAt = performance.now();
    for (let failures = 0, reason: DelayReason | undefined; ; failures++) {
      try {
        const result = await act();
        this.#blocked = false;
        if (reason !== undefined) this.#delay = longer(this.#delay, { reason, ms: performance.now() - begunAt });
        return result;
      } catch (err) {
        if (this.#abort.signal.aborted || !(isTransient(err) || this.#mayBeMended(err, begunAt))) throw err;
        reason ??= reasonOf(err);
        this.#blocked = true;
        if (failures % 10 === 0) this.#tellWait(err);
        await pause(backOffMs(failures, 100, 5000), this.#abort.signal);
        if (this.#abort.signal.aborted) throw err;
      }
    }
  }
}

/**
 * Also true when a rendition's parameters changed although its time continues, or while it was away; then it holds for all of them.
 */
export function breaks(
  { discontinuity, initCidsBefore, initCidsKnown, mayJoin }: Pick<SegmentCommitterInit, 'discontinuity' | 'initCidsBefore' | 'initCidsKnown' | 'mayJoin'>,
  initCids: ReadonlyMap<string, string | undefined>,
): boolean {
  if (discontinuity || initCidsBefore === undefined) return discontinuity;
  const goesOn = (rendition: string, cid: string | undefined): boolean => {
    const before = initCidsBefore[rendition];
    if (before !== undefined || mayJoin?.has(rendition) !== true) return before === cid;
    return (initCidsKnown?.[rendition] ?? cid) === cid;
  };
  return ![...initCids].every(([rendition, cid]) => goesOn(rendition, cid));
}

/** What the log is told of an initialisation; a zero says nothing. */
function announced({ timescale, codecs, width, height, sampleRate, channels }: TrackInit): Track {
  const known = Object.entries({ width, height, sampleRate, channels }).filter(([, value]) => value !== undefined && value > 0);
  return { timescale, codecs, ...(Object.fromEntries(known) as Partial<Track>) };
}

function isRefusal(error: unknown): boolean {
  return refusals.some((code) => hasCode(error, code));
}

function longer(one: Delay | undefined, other: Delay): Delay {
  return one === undefined || other.ms > one.ms ? other : one;
}

function reasonOf(error: unknown): DelayReason {
  if (['LOG_FULL', 'BLOB_STORE_FULL', 'ENOSPC', 'EDQUOT'].some((code) => hasCode(error, code))) return 'disk-full';
  return ['LOG_UNAVAILABLE', 'PUBLISHER_BUSY'].some((code) => hasCode(error, code)) ? 'log-unavailable' : 'store-unavailable';
}

function isTransient(error: unknown): boolean {
  return [...transient].some((code) => hasCode(error, code)) || ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'].some((code) => hasCode(error, code));
}
