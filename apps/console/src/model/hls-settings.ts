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
 * low, and still a reserve for a late one.
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
