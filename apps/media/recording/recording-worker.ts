import { isComplete, recordingFinish, streamsProjection, streamTable, type StreamStatus } from '#domain/stream';
import { recordingFailed, recordingFinished, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import { blobBytesMax, type Clock, type Effect, type EventLog, type ReadRow, type ReadStore } from '#ports';
import type { CatalogueDraft, EffectResult, EffectWorker, Logger } from '#runtime';
import { FileMaker } from './file-maker.ts';
import { planRecording, type Track } from './recording-plan.core.ts';
import type { RecordingToolsDeps } from './recording-tools.ts';
import { storedRenditions, storedSegments } from './stored-segments.ts';

export interface RecordingWorkerInit {
  /** Recordings made at once. */
  readonly concurrency: number;
  /** Folder for files under way; emptied at the start. */
  readonly folder: string;
}

export interface RecordingWorkerDeps extends RecordingToolsDeps {
  readonly log: EventLog;
  readonly reads: ReadStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Wanted {
  /** Of the effect. */
  readonly key: string;
  readonly streamId: string;
  readonly round: number;
}

const lookAgainMs = 1000;

/** Makes one file of a stream that has stopped, and a picture of it; both are stored by their content. */
export class RecordingWorker implements EffectWorker {
  readonly kind = recordingFinish;
  readonly concurrency: number;
  readonly triesMax = 5;
  readonly #maker: FileMaker;
  readonly #deps: RecordingWorkerDeps;

  constructor({ concurrency, folder }: RecordingWorkerInit, deps: RecordingWorkerDeps) {
    this.concurrency = concurrency;
    this.#maker = new FileMaker(folder, deps);
    this.#deps = deps;
  }

  sweep(): Promise<void> {
    return this.#maker.sweep();
  }

  backOffMs(tries: number): number {
    return 5000 * 4 ** (tries - 1);
  }

  async perform({ key, payload, round }: Effect, signal: AbortSignal): Promise<EffectResult> {
    const streamId = String(payload['streamId']);
    const row = await this.#row(streamId);
    if (row?.['unlisted'] === true) return { outcome: 'succeeded', detail: 'An unlisted stream is not made into a recording.' };
    if (!(await this.#isWhole(streamId))) return { outcome: 'later', afterMs: lookAgainMs };
    const plan = planRecording(await storedRenditions(this.#deps.reads, streamId), await storedSegments(this.#deps.reads, streamId), blobBytesMax);
    if (plan.kind === 'nothing') return failed(streamId, round, 'no-segments', 'The stream never had a segment.');
    if (plan.kind === 'too-large')
      return failed(streamId, round, 'too-large', `It would have ${plan.sizeBytes} bytes; at most ${blobBytesMax} are stored as one.`);
    return this.#make({ key, streamId, round }, plan.tracks, signal);
  }

  async abandoned({ payload, round }: Effect, message: string): Promise<readonly CatalogueDraft[]> {
    return [recordingFailed.draft({ streamId: String(payload['streamId']), round, reason: 'tries-used-up', detail: message })];
  }

  async #make({ key, streamId, round }: Wanted, tracks: readonly Track[], signal: AbortSignal): Promise<EffectResult> {
    const file = await this.#maker.make(key, tracks, signal);
    if (file.kind === 'too-large') return failed(streamId, round, 'too-large', `It has ${file.sizeBytes} bytes; at most ${blobBytesMax} are stored as one.`);
    const { files, probed } = file;
    const { durationMs, videoCodec, audioCodec, width, height } = probed;
    const made = { renditions: tracks.map(({ rendition }) => rendition), segments: tracks[0]?.segments ?? 0 };
    this.#deps.logger.info({ streamId, durationMs, bytes: files.mp4Bytes, ...made }, 'a stopped stream was made into one file');
    const event = recordingFinished.draft({ streamId, round, ...files, durationMs, videoCodec, audioCodec, width, height, ...made });
    return { outcome: 'succeeded', detail: files.mp4Cid, events: [event] };
  }

  async #row(streamId: string): Promise<ReadRow | undefined> {
    const [row] = await this.#deps.reads.select(streamTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1 });
    return row;
  }

  /** Nothing can follow any more, and the read model has all that there was. */
  async #isWhole(streamId: string): Promise<boolean> {
    const { reads, clock, log } = this.#deps;
    const { context } = recordingFinished;
    const partition = partitionOf(streamId, topicPartitions);
    const high = (await log.heads(context)).find((head) => head.partition === partition)?.high ?? 0n;
    const row = await this.#row(streamId);
    if (row === undefined || !isComplete(endOf(row), clock.now())) return false;
    // Asked before the row was read: whatever was on the log when it was complete is in the rows that are read from here on.
    const { checkpoints } = await reads.snapshot(streamsProjection.name, streamTable, { limit: 1 });
    return checkpoints.some((place) => place.topic === context && place.partition === partition && place.position >= high);
  }
}

function endOf(row: ReadRow): Parameters<typeof isComplete>[0] {
  return {
    status: row['status'] as StreamStatus | null,
    statusAtMs: Number(row['status_at_ms']),
    encodingStatus: row['encoding_status'] as string | null,
    encodingReason: row['encoding_reason'] as string | null,
  };
}

function failed(streamId: string, round: number, reason: 'no-segments' | 'too-large', detail: string): EffectResult {
  return { outcome: 'failed', message: detail, events: [recordingFailed.draft({ streamId, round, reason, detail })] };
}
