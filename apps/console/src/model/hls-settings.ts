import type { RetryConfig } from 'hls.js';

const triesMax = 20;
/** A connection that is refused (0) is one to a process that is about to be back; hls.js would give up at once. */
const shouldRetry: RetryConfig['shouldRetry'] = (_settings, tries, _isTimeout, response) => {
  const status = response?.code ?? 0;
  return tries < triesMax && (status === 0 || status >= 500);
};
const errorRetry: RetryConfig = { maxNumRetry: triesMax, retryDelayMs: 250, maxRetryDelayMs: 1000, shouldRetry };
const quick = { maxTimeToFirstByteMs: 3000, timeoutRetry: { maxNumRetry: triesMax, retryDelayMs: 0, maxRetryDelayMs: 0 }, errorRetry };

/**
 * As far behind as a playlist with parts says; else, with two-second segments, a segment and a half behind the newest one's end:
 * low, and still a reserve for a late one ({@link LiveTarget}).
 * A stall moves the player back by half a second only, and what it lost it gains back: by playing faster, or by a jump
 * once it is four segments behind.
 *
 * A request that a killed process left hanging is given up after three seconds and asked again at once, one that failed
 * after at most one: by default hls.js waits ten seconds for a first byte, and up to eight between tries.
 */
export const hlsSettings = {
  liveSyncDurationCount: 1.5,
  liveMaxLatencyDurationCount: 4,
  liveSyncOnStallIncrease: 0.5,
  maxLiveSyncPlaybackRate: 1.25,
  backBufferLength: 60,
  manifestLoadPolicy: { default: { ...quick, maxLoadTimeMs: 8000 } },
  playlistLoadPolicy: { default: { ...quick, maxLoadTimeMs: 8000 } },
  fragLoadPolicy: { default: { ...quick, maxLoadTimeMs: 60_000 } },
  enableWorker: true,
} as const;

/** What of hls.js is needed for it. */
interface Loading {
  readonly levels: readonly unknown[];
  stopLoad(): void;
  startLoad(): void;
}

/** How long the first picture may take once the playlists are there, ms. */
export const startMsMax = 4000;

/**
 * hls.js 1.7 that changes its level while its first fragment is under way may go on reading playlists and load no fragment any
 * more: a player with nothing in its buffer begins anew.
 */
export function beginAnewIfStuck(player: Loading, video: { readonly buffered: { readonly length: number } }): void {
  if (player.levels.length === 0 || video.buffered.length > 0) return;
  player.stopLoad();
  player.startLoad();
}

/** What of hls.js is needed for it. */
interface Following {
  readonly config: { readonly liveSyncDuration?: number | undefined };
  targetLatency: number | null;
}

/** What of a playlist is needed for it, seconds. */
interface Pace {
  /** 0 for one without parts. */
  readonly partHoldBack: number;
  readonly targetduration: number;
}

/** A player without a stall for so long goes back to where it would be without any, ms; one that stalls there again, after twice as long. */
const forgivenMsLeast = 30_000;
const forgivenMsMost = 600_000;

/**
 * How far behind the newest a player wants to be. hls.js takes a count of segments that it was configured with for more than what a
 * playlist with parts says, and each stall moves it back for good: here the playlist counts, and what stalls have taught is forgotten.
 */
export class LiveTarget {
  readonly #player: Following;
  #forgivenMs = forgivenMsLeast;
  #stalledAtMs: number | undefined;
  #forgaveAtMs = Number.NEGATIVE_INFINITY;

  constructor(player: Following) {
    this.#player = player;
  }

  stalled(nowMs: number): void {
    const isSoon = nowMs - this.#forgaveAtMs < this.#forgivenMs;
    if (this.#stalledAtMs === undefined) this.#forgivenMs = isSoon ? Math.min(forgivenMsMost, this.#forgivenMs * 2) : forgivenMsLeast;
    this.#stalledAtMs = nowMs;
  }

  follow({ partHoldBack, targetduration }: Pace, nowMs: number): void {
    const latency = partHoldBack > 0 ? partHoldBack : hlsSettings.liveSyncDurationCount * targetduration;
    const isForgiven = this.#stalledAtMs !== undefined && nowMs - this.#stalledAtMs >= this.#forgivenMs;
    // Set again it forgets the stalls.
    if (this.#player.config.liveSyncDuration === latency && !isForgiven) return;
    if (isForgiven) {
      this.#stalledAtMs = undefined;
      this.#forgaveAtMs = nowMs;
    }
    this.#player.targetLatency = latency;
  }
}
