import type { Clock, ReadRow } from '#ports';
import type { Logger } from '#runtime';
import type { SegmentLists } from '../origin/segment-lists.ts';
import { hasEnded } from '../origin/stream-window.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import { LiveView } from './live-view.ts';

export interface LiveViewsInit {
  /** Requests that may wait at once, over all streams. */
  readonly waitersMax: number;
  /** A stream that nobody asked for so long is not followed any more, ms. */
  readonly idleMs: number;
}

export interface LiveViewsDeps {
  readonly streams: StreamReader;
  readonly lists: SegmentLists;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now'>;
}

export const liveViewDefaults: LiveViewsInit = { waitersMax: 20_000, idleMs: 30_000 };
/** How often those who wait are looked after, and rows are read for them. */
const tickMs = 250;
/** 6.2.2: whoever was told of a part may ask for it for three target durations after it is gone from the playlist, as all are at the end. */
const targetsHeld = 4;

/** The live streams that somebody plays with low latency here. */
export class LiveViews {
  readonly #init: LiveViewsInit;
  readonly #deps: LiveViewsDeps;
  readonly #views = new Map<string, LiveView>();
  /** Streams that have ended a moment ago, for their parts. */
  readonly #ended = new Map<string, { readonly view: LiveView; readonly untilMs: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(init: LiveViewsInit, deps: LiveViewsDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Streams that are followed. */
  get size(): number {
    return this.#views.size;
  }

  /** Requests that wait. */
  get waiters(): number {
    let waiters = 0;
    for (const { room } of this.#views.values()) waiters += room.size;
    return waiters;
  }

  get full(): boolean {
    return this.waiters >= this.#init.waitersMax;
  }

  /** Undefined for a stream that has no live edge, or none any more. */
  async of(streamId: string): Promise<LiveView | undefined> {
    const known = this.#views.get(streamId);
    if (known !== undefined) {
      known.usedAt = performance.now();
      return known;
    }
    const row = await this.#deps.streams.row(streamId);
    if (row === undefined || !isLowLatency(row) || hasEnded(row, this.#deps.clock.now())) return undefined;
    return this.#views.get(streamId) ?? this.#begin(streamId, row);
  }

  /** The same for its parts, which are there for a while when the stream has ended. */
  async heldOf(streamId: string): Promise<LiveView | undefined> {
    return this.#views.get(streamId) ?? this.#ended.get(streamId)?.view ?? (await this.of(streamId));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
    this.#ended.clear();
  }

  #begin(streamId: string, row: ReadRow): LiveView {
    const { streams, lists, logger, clock } = this.#deps;
    const view = new LiveView(streamId, row, { streams, lists, logger, now: () => clock.now() });
    this.#views.set(streamId, view);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
    return view;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const [streamId, view] of this.#views) {
      view.room.expire();
      if (view.room.size > 0) view.usedAt = nowMs;
      const isOver = view.ended && view.room.size === 0;
      if (isOver) this.#ended.set(streamId, { view, untilMs: nowMs + targetsHeld * view.targetDurationSec * 1000 });
      if (isOver || nowMs - view.usedAt > this.#init.idleMs) {
        this.#views.delete(streamId);
        view.close();
      } else {
        void view.refresh().catch((err: unknown) => this.#deps.logger.warn({ err, streamId }, 'rows cannot be read; playlists stay as they are'));
      }
    }
    for (const [streamId, { untilMs }] of this.#ended) if (untilMs <= nowMs) this.#ended.delete(streamId);
    if (this.#views.size + this.#ended.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** An encoder of it serves its parts, or the newest one did. */
function isLowLatency(row: ReadRow): boolean {
  return typeof row['live_edge_url'] === 'string';
}
