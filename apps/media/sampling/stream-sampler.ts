import { streamAlertCleared, streamAlertRaised, streamMeasured, thumbnailsProduced, type EventOf } from '#events';
import type { FlvTag } from '#core/flv';
import type { SegmentGroup } from '#core/fmp4';
import { StreamAlerts, type AlertChange, type AlertKind, type StreamFigures } from '#domain/stream';
import { hasCode } from '#kernel';
import type { BlobStore } from '#ports';
import type { CatalogueDraft, FactPublisher, Logger } from '#runtime';
import { causeOf, type LiveSession } from '../fold/stream-fold.core.ts';
import { programDateTime } from '../run/run-plan.core.ts';
import type { DecoderTurns } from './decoder-turns.ts';
import { InputMeter, type InputFigures } from './input-meter.core.ts';
import {
  grayBytes,
  judgePictures,
  judgeSound,
  lastPicture,
  nextStretches,
  noStretches,
  type JudgedPicture,
  type JudgedSound,
  type Stretches,
} from './judge.core.ts';
import { PicturePauses } from './picture-pauses.core.ts';
import { keyFramesOf } from './key-frames.core.ts';
import { columnsOf, tileSizeOf } from './sample-plan.core.ts';
import type { DecodedStretch, StretchDecoder } from './stretch-decoder.ts';
import { StretchGatherer, type KnownTrack, type Stretch } from './stretch.core.ts';

export interface StreamSamplerInit {
  readonly streamId: string;
  readonly session: LiveSession;
  readonly node: string;
  readonly segmentDurationMs: number;
  /** Alerts that a predecessor left open, and since when. */
  readonly openAlerts: ReadonlyMap<AlertKind, number>;
  /** Of the lease under which the stream is held, now. */
  readonly epoch: () => bigint;
  /** How often figures are told, ms. */
  readonly everyMs: number;
}

export interface StreamSamplerDeps {
  readonly facts: FactPublisher;
  readonly blobs: BlobStore;
  readonly decoder: Pick<StretchDecoder, 'decode'>;
  readonly turns: DecoderTurns;
  readonly logger: Logger;
}

/** The run whose segments are looked at. */
export interface SampledRun {
  /** As it was when the run began: the log had said by then when its time zero was. */
  readonly session: LiveSession;
  /** Added to times of the session, it gives those of the stream's timeline, ms. */
  readonly offsetMs: number;
  readonly encodingId: string | undefined;
}

/** What the newest stretch looked and sounded like. */
interface Seen {
  readonly atMs: number;
  /** Where its last picture stands, in the session's time. */
  readonly pictureMs: number;
  readonly pictures: readonly JudgedPicture[];
  readonly sound: JudgedSound | undefined;
}

/** Pictures and sound that were looked at longer ago tell nothing of now. */
const seenMsMax = 40_000;

/**
 * Looks at one session of a stream while it is packaged: what arrives, how it is kept up with, what it looks and sounds like. It
 * tells small pictures, figures and alerts as facts under a producer of its own, so that nothing that fails here reaches the stream.
 */
export class StreamSampler {
  readonly #init: StreamSamplerInit;
  readonly #deps: StreamSamplerDeps;
  readonly #meter = new InputMeter();
  readonly #pauses = new PicturePauses();
  readonly #alerts: StreamAlerts;
  readonly #gatherer = new StretchGatherer();
  readonly #inits = new Map<string, Promise<Uint8Array>>();
  readonly #timer: NodeJS.Timeout;
  readonly #producerId: string;
  #run: SampledRun;
  #arrivedMs = 0;
  #storedMs: number | undefined;
  #speed: number | null = null;
  #figures: InputFigures | undefined;
  /** No alert begins any more. */
  #ended = false;
  #seen: Seen | undefined;
  #stretches: Stretches = noStretches;
  #lastGray: Uint8Array | undefined;
  #decoding: Promise<void> = Promise.resolve();

  constructor(init: StreamSamplerInit, deps: StreamSamplerDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#run = { session: init.session, offsetMs: 0, encodingId: undefined };
    this.#producerId = samplerId(init.streamId);
    this.#alerts = new StreamAlerts(init.openAlerts);
    this.#meter.take(performance.now());
    this.#timer = setInterval(() => void this.#measure(), init.everyMs);
  }

  /** Media as it arrives. */
  arrived(tags: readonly FlvTag[]): void {
    for (const tag of tags) {
      this.#meter.push(tag);
      this.#pauses.push(tag);
      this.#arrivedMs = Math.max(this.#arrivedMs, tag.timestampMs);
    }
  }

  /** An encoder, or a packager without one, begins. */
  begins(run: SampledRun): void {
    this.#run = run;
    this.#speed = null;
  }

  /** What the encoder says of itself. */
  runsAt(speed: number): void {
    this.#speed = speed;
  }

  /** Segments that are on the log. */
  stored(group: SegmentGroup, tracks: ReadonlyMap<string, KnownTrack>): void {
    const endUs = Math.max(0, ...group.segments.map(({ startUs, durationUs }) => startUs + durationUs));
    this.#storedMs = endUs / 1000 - this.#run.offsetMs;
    for (const stretch of this.#gatherer.add(group, tracks)) this.#look(stretch);
  }

  /** The session is over: the last pictures and the end of every alert are told. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#ended = true;
    for (const stretch of this.#gatherer.flush()) this.#look(stretch);
    await this.#publish(this.#alertDrafts(this.#alerts.close(Date.now()), 'session-ended'));
    await this.#decoding;
  }

  #look(stretch: Stretch): void {
    const run = this.#run;
    const { turns, logger } = this.#deps;
    const work = turns
      .take(this.#init.streamId, () => this.#decode(stretch, run))
      .catch((err: unknown) => logger.debug({ err }, 'a stretch of the stream could not be looked at'));
    this.#decoding = Promise.all([this.#decoding, work]).then(() => undefined);
  }

  async #decode(stretch: Stretch, run: SampledRun): Promise<void> {
    const { picture, sound } = stretch;
    const tile = picture === undefined ? undefined : tileSizeOf(picture.track.width ?? 0, picture.track.height ?? 0);
    const columns = columnsOf(this.#init.segmentDurationMs);
    const decoded = await this.#deps.decoder.decode({
      tile,
      columns,
      picture: picture === undefined ? [] : keyFramesOf(await this.#initialisation(picture.track.initCid), picture.fragments),
      sound: sound === undefined ? [] : [await this.#initialisation(sound.track.initCid), ...sound.segments],
    });
    this.#judge(stretch, decoded, run);
    await this.#tellAlerts();
    const isWhole = decoded.image.length > 0 && decoded.gray.length === stretch.segments * grayBytes;
    if (tile === undefined || !isWhole) return;
    const { cid, sizeBytes } = await this.#deps.blobs.put(decoded.image);
    const { mediaSequence, startUs, endUs } = stretch;
    const place = { mediaSequence, startUs, durationUs: endUs - startUs, programDateTimeMs: programDateTime(run.session, run.offsetMs, startUs) };
    await this.#publish([thumbnailsProduced.draft({ ...this.#observed(), ...place, cid, sizeBytes, columns, rows: 1, ...tile })], run);
  }

  #judge({ startUs, endUs, segments }: Stretch, { gray, samples }: DecodedStretch, { offsetMs }: SampledRun): void {
    const pictures = judgePictures(gray, this.#lastGray);
    const sound = judgeSound(samples);
    this.#lastGray = lastPicture(gray) ?? this.#lastGray;
    const stepMs = (endUs - startUs) / segments / 1000;
    this.#stretches = nextStretches(this.#stretches, pictures, stepMs, sound);
    this.#seen = { atMs: Date.now(), pictureMs: endUs / 1000 - stepMs - offsetMs, pictures, sound };
  }

  /** An initialisation says one thing for ever; a session has few. */
  #initialisation(cid: string): Promise<Uint8Array> {
    const known = this.#inits.get(cid) ?? this.#deps.blobs.read(cid);
    if (this.#inits.size > 8) this.#inits.clear();
    this.#inits.set(cid, known);
    known.catch(() => this.#inits.delete(cid));
    return known;
  }

  async #measure(): Promise<void> {
    const figures = this.#meter.take(performance.now());
    if (figures === undefined) return;
    this.#figures = figures;
    const alerts = this.#alertsNow(figures);
    await this.#publish([this.#figuresDraft(figures), ...alerts]);
  }

  /** What a stretch has shown is told at once, and not with the next figures. */
  async #tellAlerts(): Promise<void> {
    const drafts = this.#figures === undefined || this.#ended ? [] : this.#alertsNow(this.#figures);
    if (drafts.length > 0) await this.#publish(drafts);
  }

  #alertsNow(figures: InputFigures): readonly CatalogueDraft[] {
    const now = {
      videoBitrate: figures.videoBitrate,
      hasPicture: figures.frameRate > 0,
      keyFrameIntervalMs: figures.keyFrameIntervalMs ?? undefined,
      reordersFrames: figures.reordersFrames,
      segmentDurationMs: this.#init.segmentDurationMs,
      behindMs: this.#behindMs,
      ...this.#stretchesOf(this.#newestSeen),
    };
    return this.#alertDrafts(this.#alerts.look(now, Date.now()), 'over');
  }

  get #behindMs(): number {
    return Math.max(0, Math.round(this.#arrivedMs - (this.#storedMs ?? 0)));
  }

  get #newestSeen(): Seen | undefined {
    return this.#seen !== undefined && Date.now() - this.#seen.atMs < seenMsMax ? this.#seen : undefined;
  }

  /** How long it has been so up to now, as far as is known. A picture that has come back since moves. */
  #stretchesOf(seen: Seen | undefined): Pick<StreamFigures, keyof Stretches | 'lookedAtMs'> {
    if (seen === undefined) return { blackMs: undefined, frozenMs: undefined, silentMs: undefined };
    const known = { ...this.#stretches, lookedAtMs: seen.atMs };
    return this.#pauses.isOverSince(seen.pictureMs) ? { ...known, frozenMs: undefined } : known;
  }

  #figuresDraft({ windowMs, ...input }: InputFigures): CatalogueDraft {
    const [seen, behindMs] = [this.#newestSeen, this.#behindMs];
    const newest = seen?.pictures.at(-1);
    const round = (value: number): number => Math.round(value * 10_000) / 10_000;
    const picture = newest === undefined ? null : { brightness: round(newest.brightness), change: newest.change === undefined ? null : round(newest.change) };
    const sound = seen?.sound === undefined ? null : { levelDb: seen.sound.levelDb, peakDb: seen.sound.peakDb };
    const { node } = this.#init;
    return streamMeasured.draft({ ...this.#observed(), node, windowMs, input, behindMs, encoderSpeed: this.#speed, picture, sound });
  }

  #alertDrafts(changes: readonly AlertChange[], reason: EventOf<typeof streamAlertCleared>['data']['reason']): readonly CatalogueDraft[] {
    return changes.map((change) => {
      const { alert } = change;
      if (change.kind === 'raised') return streamAlertRaised.draft({ ...this.#observed(), alert, sinceMs: change.sinceMs, detail: change.detail });
      return streamAlertCleared.draft({ ...this.#observed(), alert, reason, lastedMs: change.lastedMs });
    });
  }

  #observed(): { streamId: string; sessionId: string; epoch: number } {
    const { streamId, session, epoch } = this.#init;
    return { streamId, sessionId: session.sessionId, epoch: Number(epoch()) };
  }

  /** What the log does not take is not told: the next figures come soon. */
  async #publish(drafts: readonly CatalogueDraft[], run: SampledRun = this.#run): Promise<void> {
    const { session, epoch } = this.#init;
    try {
      const producer = { id: this.#producerId, epoch: epoch() };
      await this.#deps.facts.publish('stream', drafts, { producer, ...causeOf(session, run.encodingId), tenant: session.tenant });
    } catch (err) {
      if (!hasCode(err, 'PRODUCER_FENCED')) this.#deps.logger.debug({ err }, 'figures of the stream could not be told');
    }
  }
}

/** Its facts are fenced by the lease of the stream, but fail by themselves. */
export function samplerId(streamId: string): string {
  return `sampler:${streamId}`;
}
