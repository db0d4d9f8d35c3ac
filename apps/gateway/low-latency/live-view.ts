import { targetDurationOf } from '#core/hls';
import type { ReadRow } from '#ports';
import type { Logger } from '#runtime';
import type { SegmentLists } from '../origin/segment-lists.ts';
import { hasEnded, StreamWindow } from '../origin/stream-window.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import { EdgeConnection, type EdgeAddress } from './edge-connection.ts';
import { LiveParts } from './live-parts.core.ts';
import { WaitingRoom, type Waited } from './waiting-room.ts';

export interface LiveViewDeps {
  readonly streams: StreamReader;
  readonly lists: SegmentLists;
  readonly logger: Logger;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** The stream as its rows and its packager have it at one moment. */
export interface LiveState {
  readonly row: ReadRow;
  readonly ended: boolean;
  readonly window: StreamWindow | undefined;
}

/** Rows are read again after this long: the packager does not tell that a stream ended, or that there is a new one. */
const rowsMsMax = 500;
/** How long the first reader waits for what the packager has to tell. */
const firstFramesMs = 500;
const reconnectMs = 250;

/**
 * A live stream as its low-latency playlists show it: segments by the rows, and what the rows do not have yet by the packager,
 * which is followed for as long as anybody asks. While it is away there are segments alone.
 */
export class LiveView {
  readonly parts: LiveParts;
  readonly room = new WaitingRoom();
  readonly targetDurationSec: number;
  /** When it was asked for last, ms of a clock that never goes back. */
  usedAt = performance.now();
  /** Grows whenever a playlist may have changed. */
  version = 0;
  readonly #streamId: string;
  readonly #deps: LiveViewDeps;
  readonly #renditions: Pick<StreamReader, 'everyRendition'>;
  #everyRendition: Promise<readonly ReadRow[]> | undefined;
  #row: ReadRow;
  #rowsAt = performance.now();
  #rowsMark = '';
  #connection: EdgeConnection | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #firstFrames = Promise.withResolvers<void>();
  #state: { readonly version: number; readonly state: Promise<LiveState> } | undefined;

  constructor(streamId: string, row: ReadRow, deps: LiveViewDeps) {
    this.#streamId = streamId;
    this.#row = row;
    this.#deps = deps;
    this.targetDurationSec = targetDurationOf(Number(row['segment_duration_ms']));
    this.parts = new LiveParts(this.targetDurationSec);
    this.#renditions = { everyRendition: (stream) => (this.#everyRendition ??= deps.streams.everyRendition(stream)) };
    this.#connect();
  }

  get ended(): boolean {
    return hasEnded(this.#row, this.#deps.now());
  }

  /** What playlists are rendered from now: read once for all who ask before it changes. */
  async state(): Promise<LiveState> {
    if (performance.now() - this.#rowsAt > rowsMsMax) await this.refresh();
    const { version } = this;
    if (this.#state?.version !== version) this.#state = { version, state: this.#open() };
    return this.#state.state;
  }

  /** For whoever comes first: what the packager has at hand, or nothing of it soon. */
  async ready(): Promise<void> {
    if (this.#connection === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#firstFrames.promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, firstFramesMs)))]);
    clearTimeout(timer);
  }

  /** Number of the newest segment that the rendition's playlist shows whole. */
  lastSequence(rendition: string): number {
    return this.parts.lastSequence(rendition, Number(this.#row['last_media_sequence'] ?? -1));
  }

  /** @param msMax 6.2.5.2: "after blocking for more than three Target Durations" */
  wait(key: string, isReady: () => boolean, msMax = 3 * this.targetDurationSec * 1000): Promise<Waited> {
    return this.room.wait(key, isReady, msMax);
  }

  /** Reads the rows again; connects where there is somebody to connect to. */
  async refresh(): Promise<void> {
    this.#rowsAt = performance.now();
    const row = await this.#deps.streams.row(this.#streamId);
    if (row === undefined) return;
    this.#row = row;
    const mark = markOf(row, this.ended);
    if (mark !== this.#rowsMark) {
      this.#rowsMark = mark;
      this.#everyRendition = undefined;
      this.#changed();
      // What the rows have now is read before the next part comes, whose readers then wait for nothing.
      await this.state();
    }
    this.#connect();
  }

  close(): void {
    this.#connection?.close();
    this.room.close();
  }

  async #open(): Promise<LiveState> {
    const row = this.#row;
    const { ended } = this;
    const window = await StreamWindow.open(this.#renditions, this.#deps.lists, row, ended, { tail: this.parts });
    for (const { name } of window?.renditions ?? []) this.parts.settle(String(name), window?.segments(String(name)) ?? []);
    return { row, ended, window };
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
    if (wanted === undefined || performance.now() - this.#triedAt < reconnectMs) return;
    this.#triedAt = performance.now();
    const connection: EdgeConnection = new EdgeConnection(wanted, {
      logger: this.#deps.logger,
      onFrames: (frames) => {
        let changed = false;
        for (const frame of frames) changed = this.parts.apply(frame) || changed;
        if (changed) this.#changed();
        this.#firstFrames.resolve();
      },
      onEnd: () => this.#ended(connection),
    });
    this.#connection = connection;
  }

  #ended(connection: EdgeConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.parts.disconnect();
    this.#firstFrames.resolve();
    this.#firstFrames = Promise.withResolvers<void>();
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
