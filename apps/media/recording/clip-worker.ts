import { clipMake, streamTable } from '#domain/stream';
import { clipFailed, clipFinished } from '#events';
import { blobBytesMax, type Clock, type Effect, type ReadCondition, type ReadStore } from '#ports';
import type { CatalogueDraft, EffectResult, EffectWorker, Logger } from '#runtime';
import { clipBounds, reaches, type ClipBounds } from './clip-plan.core.ts';
import { FileMaker } from './file-maker.ts';
import { planRecording, type Track } from './recording-plan.core.ts';
import type { RecordingToolsDeps } from './recording-tools.ts';
import { storedRenditions, storedSegments } from './stored-segments.ts';

export interface ClipWorkerInit {
  /** Clips made at once. */
  readonly concurrency: number;
  /** Folder for files under way; emptied at the start. */
  readonly folder: string;
}

export interface ClipWorkerDeps extends RecordingToolsDeps {
  readonly reads: ReadStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Wanted {
  readonly streamId: string;
  readonly clipId: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly round: number;
}

const lookAgainMs = 1000;
/** How long the last segments of a piece that ended just now are waited for, ms: they are stored some seconds after they were sent. */
const waitMsMax = 30_000;
/** No segment is longer, ms. */
const segmentMsMax = 12_000n;

/** Makes pieces of streams into files of their own, from whole segments, by copying. */
export class ClipWorker implements EffectWorker {
  readonly kind = clipMake;
  readonly concurrency: number;
  readonly triesMax = 5;
  readonly #maker: FileMaker;
  readonly #deps: ClipWorkerDeps;

  constructor({ concurrency, folder }: ClipWorkerInit, deps: ClipWorkerDeps) {
    this.concurrency = concurrency;
    this.#maker = new FileMaker(folder, deps);
    this.#deps = deps;
  }

  sweep(): Promise<void> {
    return this.#maker.sweep();
  }

  backOffMs(tries: number): number {
    return 2000 * 4 ** (tries - 1);
  }

  async perform({ key, payload, round }: Effect, signal: AbortSignal): Promise<EffectResult> {
    const { reads } = this.#deps;
    const wanted = wantedOf(payload, round);
    const { streamId, fromMs, untilMs } = wanted;
    const around: readonly ReadCondition[] = [
      { column: 'program_date_time_ms', is: 'gt', value: BigInt(fromMs) - segmentMsMax },
      { column: 'program_date_time_ms', is: 'lt', value: BigInt(untilMs) },
    ];
    const segments = await storedSegments(reads, streamId, around);
    if (!reaches(segments, untilMs) && (await this.#mayFollow(wanted))) return { outcome: 'later', afterMs: lookAgainMs };
    const bounds = clipBounds(segments, fromMs, untilMs);
    if (bounds === undefined) return failed(wanted, 'no-segments', 'Nothing of the stream is stored of that time.');
    const within = segments.filter(({ mediaSequence }) => mediaSequence >= bounds.first && mediaSequence <= bounds.last);
    const plan = planRecording(await storedRenditions(reads, streamId), within, blobBytesMax);
    if (plan.kind === 'nothing') return failed(wanted, 'no-segments', 'Nothing of the stream is stored of that time.');
    if (plan.kind === 'too-large') return failed(wanted, 'too-large', `It would have ${plan.sizeBytes} bytes; at most ${blobBytesMax} are stored as one.`);
    return this.#make(key, wanted, bounds, plan.tracks, signal);
  }

  async abandoned({ payload, round }: Effect, message: string): Promise<readonly CatalogueDraft[]> {
    const { streamId, clipId } = wantedOf(payload, round);
    return [clipFailed.draft({ streamId, clipId, round, reason: 'tries-used-up', detail: message })];
  }

  /** Whether the end of the piece may still be on its way to the store. */
  async #mayFollow({ streamId, untilMs }: Wanted): Promise<boolean> {
    const { reads, clock } = this.#deps;
    if (clock.now() - untilMs > waitMsMax) return false;
    const [row] = await reads.select(streamTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1 });
    return row?.['status'] === 'live' || row?.['encoding_status'] === 'running';
  }

  async #make(key: string, wanted: Wanted, bounds: ClipBounds, tracks: readonly Track[], signal: AbortSignal): Promise<EffectResult> {
    const made = await this.#maker.make(key, tracks, signal);
    if (made.kind === 'too-large') return failed(wanted, 'too-large', `It has ${made.sizeBytes} bytes; at most ${blobBytesMax} are stored as one.`);
    const { files, probed } = made;
    const { durationMs, width, height } = probed;
    const { streamId, clipId, round } = wanted;
    const { fromMs, untilMs, first: firstSegment, last: lastSegment } = bounds;
    const renditions = tracks.map(({ rendition }) => rendition);
    this.#deps.logger.info({ streamId, clipId, durationMs, bytes: files.mp4Bytes, renditions }, 'a piece of a stream was made into a file');
    const of = { durationMs, fromMs, untilMs, width, height, renditions, firstSegment, lastSegment };
    return { outcome: 'succeeded', detail: files.mp4Cid, events: [clipFinished.draft({ streamId, clipId, round, ...files, ...of })] };
  }
}

function wantedOf(payload: Effect['payload'], round: number): Wanted {
  return {
    streamId: String(payload['streamId']),
    clipId: String(payload['clipId']),
    fromMs: Number(payload['fromMs']),
    untilMs: Number(payload['untilMs']),
    round,
  };
}

function failed({ streamId, clipId, round }: Wanted, reason: 'no-segments' | 'too-large', detail: string): EffectResult {
  return { outcome: 'failed', message: detail, events: [clipFailed.draft({ streamId, clipId, round, reason, detail })] };
}
