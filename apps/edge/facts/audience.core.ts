import type { DraftOf, edgeAudienceReported } from '#events';
import type { Millis } from '#kernel';

/** As much of a request as tells who watches what. */
export interface PlaylistRequest {
  readonly target: string;
  readonly clientAddress: string;
  field(name: string): string | undefined;
}

export type StreamAudience = DraftOf<typeof edgeAudienceReported>['data']['streams'][number];

/** A player asks for its playlist every target duration or so; who has not for this long is gone. */
const goneAfterMs: Millis = 30_000;
/** A report repeats itself this often while somebody watches, so that readers know that it still holds. */
const repeatMs: Millis = 15_000;
/** Beyond these nobody more is counted: a flood of made-up viewers must not fill the memory. */
const viewersMax = 500_000;
const streamsMax = 100_000;

interface Watched {
  /** By viewer, when it was last heard of. */
  readonly viewers: Map<number, Millis>;
  joined: number;
  left: number;
  told: string;
  toldAtMs: Millis;
}

const playlist = /^\/live\/(st-[a-z2-7]{8,26})\/[^/?]+\.(?:m3u8|mpd)(?:\?|$)/;

/**
 * Counts viewers by the playlists that they ask for: a viewer is a session that the player names (CMCD or Apple's header), else an
 * address and a program. Both counts of a stream only grow, so that reports merge in any order. Pure: time is handed in.
 */
export class AudienceCounter {
  readonly #streams = new Map<string, Watched>();
  #viewers = 0;

  see(request: PlaylistRequest, nowMs: Millis): void {
    if (!request.target.startsWith('/live/')) return;
    const streamId = playlist.exec(request.target)?.[1];
    if (streamId === undefined) return;
    const watched = this.#watched(streamId);
    if (watched === undefined) return;
    const viewer = hashOf(viewerOf(request));
    if (!watched.viewers.has(viewer)) {
      if (this.#viewers >= viewersMax) return;
      this.#viewers += 1;
      watched.joined += 1;
    }
    watched.viewers.set(viewer, nowMs);
  }

  /** What has changed since it was last told, and what should be told again. */
  report(nowMs: Millis): readonly StreamAudience[] {
    const news: StreamAudience[] = [];
    for (const [streamId, watched] of this.#streams) {
      this.#forgetGone(watched, nowMs);
      const { joined, left } = watched;
      const text = `${joined}/${left}`;
      const isDue = watched.viewers.size > 0 && nowMs - watched.toldAtMs >= repeatMs;
      if (text !== watched.told || isDue) {
        watched.told = text;
        watched.toldAtMs = nowMs;
        news.push({ streamId, joined, left });
      }
    }
    return news;
  }

  #watched(streamId: string): Watched | undefined {
    const known = this.#streams.get(streamId);
    if (known !== undefined) return known;
    if (this.#streams.size >= streamsMax) return undefined;
    const watched = { viewers: new Map<number, Millis>(), joined: 0, left: 0, told: '0/0', toldAtMs: 0 };
    this.#streams.set(streamId, watched);
    return watched;
  }

  #forgetGone(watched: Watched, nowMs: Millis): void {
    for (const [viewer, seenAtMs] of watched.viewers) {
      if (nowMs - seenAtMs <= goneAfterMs) continue;
      watched.viewers.delete(viewer);
      watched.left += 1;
      this.#viewers -= 1;
    }
  }
}

/** CTA-5004 section 3.1 (`sid`, in a header or in the query), or the header of Apple's players. */
function viewerOf(request: PlaylistRequest): string {
  const { target, clientAddress } = request;
  const inQuery = target.includes('CMCD=') ? /sid%3D%22([^%&]{1,64})%22/.exec(target)?.[1] : undefined;
  const session = inQuery ?? /sid="([^"]{1,64})"/.exec(request.field('cmcd-session') ?? '')?.[1] ?? request.field('x-playback-session-id');
  return session ?? `${clientAddress} ${request.field('user-agent') ?? ''}`;
}

/** FNV-1a, twice, into 53 bits: half a million viewers meet by chance in one of a hundred thousand cases. */
function hashOf(text: string): number {
  let [high, low] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ (code + 0x9e), 0x85ebca6b);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}
