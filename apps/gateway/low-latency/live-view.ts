import { targetDurationOf } from '#core/hls';
import type { EdgeFrame } from '#core/live-edge';
import type { ReadRow } from '#ports';
import type { Logger } from '#runtime';
import type { SegmentLists } from '../origin/segment-lists.ts';
import { hasEnded, StoredStream, type StreamWindow } from '../origin/stream-window.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import { EdgeConnection, type EdgeAddress, type EdgeConnectionDeps } from './edge-connection.ts';
import { LiveParts } from './live-parts.core.ts';
import { WaitingRoom, type Waited } from './waiting-room.ts';

export interface LiveViewDeps {
  readonly streams: StreamReader;
  readonly lists: SegmentLists;
  readonly logger: Logger;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Of a clock that never goes back, ms. */
  readonly elapsedMs?: () => number;
  readonly connect?: (address: EdgeAddress, deps: EdgeConnectionDeps) => Pick<EdgeConnection, 'address' | 'close'>;
}

/** The stream as its rows and its packager have it at one moment. */
export interface LiveState {
  readonly row: ReadRow;
  readonly ended: boolean;
  readonly window: StreamWindow | undefined;
}

/** How long the first reader waits for what the packager has to tell: a playlist without it would take back what others were told. */
const joinMsMax = 2000;
const reconnectMs = 250;

/**
 * A live stream as its low-latency playlists show it: segments by the rows, and what the rows do not have yet by the packager,
 * which is followed for as long as anybody asks. While it is away there are segments alone.
 */
export class LiveView {
  readonly parts: LiveParts;
  readonly room: WaitingRoom;
  readonly targetDurationSec: number;
  /** When it was asked for last, ms of a clock that never goes back. */
  usedAt: number;
  /** Grows whenever a playlist may have changed. */
  version = 0;
  readonly #streamId: string;
  readonly #deps: LiveViewDeps;
  readonly #elapsedMs: () => number;
  readonly #connectTo: NonNullable<LiveViewDeps['connect']>;
  /** As it was read last. */
  #row: ReadRow;
  /** What playlists are made of; undefined before it was read. */
  #rows: { readonly ended: boolean; readonly stored: StoredStream } | undefined;
  #mark = '';
  #reading: Promise<void> | undefined;
  #connection: Pick<EdgeConnection, 'address' | 'close'> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Settles when the packager has told all that it had at hand, or is not there. */
  #joining = Promise.withResolvers<void>();
  #isJoined = false;
  #state: { readonly version: number; readonly state: LiveState } | undefined;

  constructor(streamId: string, row: ReadRow, deps: LiveViewDeps) {
    this.#streamId = streamId;
    this.#row = row;
    this.#deps = deps;
    const { elapsedMs = () => performance.now(), connect = (address, of) => new EdgeConnection(address, of) } = deps;
    this.#elapsedMs = elapsedMs;
    this.#connectTo = connect;
    this.room = new WaitingRoom(elapsedMs);
    this.usedAt = elapsedMs();
    this.targetDurationSec = targetDurationOf(Number(row['segment_duration_ms']));
    this.parts = new LiveParts(this.targetDurationSec);
    this.#connect();
  }

  get ended(): boolean {
    return this.#rows?.ended ?? hasEnded(this.#row, this.#deps.now());
  }

  /** Everything is known here that anybody may have been told of the newest parts. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /**
   * What playlists are rendered from now. Nothing is waited for: rows and parts are of the same moment, and whoever renders
   * before anything else runs has both as they are.
   */
  get state(): LiveState {
    const { version, ended } = this;
    if (this.#state?.version === version) return this.#state.state;
    const stored = this.#rows?.stored;
    if (stored !== undefined) this.parts.settle(stored);
    const state = { row: stored?.stream ?? this.#row, ended, window: stored?.window({ tail: this.parts }) };
    this.parts.pass(state.window?.last ?? -1);
    this.#state = { version, state };
    return state;
  }

  /** For whoever comes first: the rows, and what the packager has at hand, or nothing of it soon. */
  async ready(): Promise<void> {
    if (this.#rows === undefined) await this.refresh();
    if (this.#connection === undefined || this.#isJoined) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#joining.promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, joinMsMax)))]);
    clearTimeout(timer);
  }

  /** Number of the newest segment that the rendition's playlist shows whole. */
  lastSequence(rendition: string): number {
    return this.parts.lastSequence(rendition, Number(this.state.row['last_media_sequence'] ?? -1));
  }

  /** @param msMax 6.2.5.2: "after blocking for more than three Target Durations" */
  wait(key: string, isReady: () => boolean, msMax = 3 * this.targetDurationSec * 1000): Promise<Waited> {
    return this.room.wait(key, isReady, msMax);
  }

  /**
   * Reads the rows again; connects where there is somebody to connect to. One reading at a time: of two the later may be answered
   * first, and the other would bring back what was, its packager included.
   */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  close(): void {
    this.#connection?.close();
    this.room.close();
  }

  async #read(): Promise<void> {
    const { streams, lists, now } = this.#deps;
    const row = await streams.row(this.#streamId);
    if (row === undefined) return;
    const ended = hasEnded(row, now());
    const mark = markOf(row, ended);
    if (mark !== this.#mark) {
      const stored = await StoredStream.read(streams, lists, row, ended);
      this.#mark = mark;
      this.#rows = { ended, stored };
      this.#changed();
    }
    this.#row = row;
    // Not before: what a new packager goes on from must be here, or its first segment stands behind a hole that is none.
    this.#connect();
  }

  #changed(): void {
    this.version += 1;
    this.room.look();
  }

  #connect(): void {
    const wanted = addressOf(this.#row);
    const { address } = this.#connection ?? {};
    // Between two encoders, and when the other publisher is gone over to, the connection stays: the packager ends it when it is done.
    if (address !== undefined && (wanted === undefined || wanted.url === address.url)) return;
    this.#connection?.close();
    if (wanted === undefined || this.#elapsedMs() - this.#triedAt < reconnectMs) return;
    this.#triedAt = this.#elapsedMs();
    const connection: Pick<EdgeConnection, 'address' | 'close'> = this.#connectTo(wanted, {
      logger: this.#deps.logger,
      onFrames: (frames) => this.#take(frames),
      onEnd: () => this.#ended(connection),
    });
    this.#connection = connection;
  }

  #take(frames: readonly EdgeFrame[]): void {
    let changed = !this.#isJoined;
    for (const frame of frames) changed = this.parts.apply(frame) || changed;
    this.#isJoined = true;
    this.#joining.resolve();
    if (changed) this.#changed();
  }

  #ended(connection: Pick<EdgeConnection, 'close'>): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#isJoined = false;
    this.parts.disconnect();
    this.#joining.resolve();
    this.#joining = Promise.withResolvers<void>();
    this.#changed();
  }
}

function addressOf(row: ReadRow): EdgeAddress | undefined {
  const url = row['live_edge_url'];
  const sessionId = row['encoding_session_id'];
  if (row['encoding_status'] !== 'running' || typeof url !== 'string' || typeof sessionId !== 'string') return undefined;
  return { url, sessionId };
}

/** What of a row playlists depend on. */
function markOf(row: ReadRow, ended: boolean): string {
  return [row['last_media_sequence'], row['end_us'], row['encoding_order'], row['encoding_status'], ended].join();
}
