import Hls, { type LevelDetails } from 'hls.js';
import { beginAnewIfStuck, hlsSettings, LiveTarget, startMsMax } from '../model/hls-settings.ts';
import { clockAt, isInterrupted, type SeekRange } from './timeline.ts';

/** One of the pictures that there are to choose from. */
export interface Rung {
  /** Lines; 0 for sound alone. */
  readonly height: number;
  /** Bits per second. */
  readonly bitrate: number;
}

export interface Captions {
  readonly label: string;
  readonly index: number;
}

/** What the controls show. A new value whenever something of it has changed. */
export interface PlaybackState {
  readonly levels: readonly Rung[];
  /** The one that plays; -1 before the first. */
  readonly level: number;
  /** -1 for automatic. */
  readonly pinned: number;
  /** More may come; false for a recording. */
  readonly live: boolean;
  readonly range: SeekRange;
  readonly position: number;
  /** How far the buffer reaches. */
  readonly buffered: number;
  readonly paused: boolean;
  readonly waiting: boolean;
  /** It waits because nobody sends anything, and not for want of a network. */
  readonly interrupted: boolean;
  readonly finished: boolean;
  /** Something was shown. */
  readonly begun: boolean;
  readonly muted: boolean;
  readonly volume: number;
  /** At the newest of a live stream, as far as a player goes. */
  readonly atEdge: boolean;
  /** The picture's age, ms; undefined when the playlist has no clock. */
  readonly behindMs: number | undefined;
  readonly captions: readonly Captions[];
  /** -1 for off. */
  readonly caption: number;
  /** Languages, say, by what they are called. */
  readonly sounds: readonly string[];
  /** -1 before the first. */
  readonly sound: number;
  /** Reconnecting, say. */
  readonly problem: string | undefined;
  /** The browser plays HLS by itself, or not at all. */
  readonly support: 'hls.js' | 'native' | 'none';
}

export const stateBefore: PlaybackState = {
  ...{ levels: [], level: -1, pinned: -1, live: true, range: { start: 0, end: 0 }, position: 0, buffered: 0, paused: true, waiting: false, interrupted: false },
  ...{ finished: false, begun: false, muted: true, volume: 1, atEdge: true, behindMs: undefined, captions: [], caption: -1, problem: undefined },
  ...{ sounds: [], sound: -1 },
  support: 'hls.js',
};

const lookEveryMs = 250;
const retryMs = 750;
/** How far behind where a player should be still counts as live, seconds; at least a target duration. */
const edgeSeconds = 6;

/** By it an edge counts viewers, and not addresses; it names nobody, and is another one each time (CTA-5004). */
function cmcdOf() {
  // `randomUUID` is for secure pages alone.
  const sessionId = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { sessionId, useHeaders: true, includeKeys: ['sid' as const] };
}

/** One stream in one video element. It heals itself: a lost network, a bad segment, an origin that was away. */
export class Playback {
  state: PlaybackState = stateBefore;
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #onChange: () => void;
  readonly #hls: Hls | undefined;
  readonly #timers: Array<ReturnType<typeof setInterval>> = [];
  readonly #abort = new AbortController();
  #details: LevelDetails | undefined;
  /** When the playlist came the last time, changed or not. */
  #askedAtMs = 0;
  /** The newest that it has, and when it came. */
  #newest = '';
  #grewAtMs = 0;
  /** A viewer who went back stays where he is; one at the edge is kept there. */
  #follows: boolean;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #clockOffsetMs = 0;
  /** Nothing of the picture is fetched before somebody wants to see it. */
  #loads: boolean;

  constructor(
    video: HTMLVideoElement,
    init: { readonly url: string; readonly startSec: number | undefined; readonly autoplay: boolean },
    onChange: () => void,
  ) {
    this.#video = video;
    this.#url = init.url;
    this.#onChange = onChange;
    this.#follows = init.startSec === undefined;
    this.#loads = init.autoplay;
    if (Hls.isSupported()) {
      // Somebody who goes back hours is not to be pulled to the edge by hls.js; `#keepUp` does what it would.
      this.#hls = new Hls({ ...hlsSettings, liveMaxLatencyDurationCount: Infinity, autoStartLoad: init.autoplay, cmcd: cmcdOf() });
      this.#listen(this.#hls, init.startSec);
      const hls = this.#hls;
      this.#timers.push(setInterval(() => this.#loads && beginAnewIfStuck(hls, video), startMsMax));
    } else if (video.canPlayType('application/vnd.apple.mpegurl') !== '') {
      video.src = init.url;
      this.#set({ support: 'native' });
    } else this.#set({ support: 'none' });
    this.#watchVideo();
    this.#timers.push(setInterval(() => this.#look(), lookEveryMs));
    void this.#setClock();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#retry);
    for (const timer of this.#timers) clearInterval(timer);
    this.#hls?.destroy();
    this.#video.removeAttribute('src');
  }

  play(): void {
    if (this.state.finished) return this.startOver();
    if (!this.#loads) this.#hls?.startLoad();
    this.#loads = true;
    void this.#video.play().catch(() => this.#playMuted());
  }

  toggle(): void {
    if (this.#video.paused) this.play();
    else this.#video.pause();
  }

  seek(to: number): void {
    const { start, end } = this.state.range;
    const edge = this.#hls?.liveSyncPosition ?? end;
    this.#follows = this.state.live && to >= edge - 1;
    this.#set({ finished: false });
    this.#video.currentTime = this.#follows ? edge : Math.max(to, start + (this.state.live ? 0.5 : 0));
    this.#look();
  }

  /** From the first moment that there is. */
  startOver(): void {
    this.seek(this.state.range.start);
    if (this.#video.paused) this.play();
  }

  goLive(): void {
    this.seek(Infinity);
    if (this.#video.paused) this.play();
  }

  pin(level: number): void {
    if (this.#hls !== undefined) this.#hls.nextLevel = level;
    this.#set({ pinned: level });
  }

  setVolume(volume: number): void {
    this.#video.volume = Math.min(1, Math.max(0, volume));
    this.#video.muted = this.#video.volume === 0;
  }

  setMuted(muted: boolean): void {
    this.#video.muted = muted;
    if (!muted && this.#video.volume === 0) this.#video.volume = 0.5;
  }

  listenTo(sound: number): void {
    if (this.#hls !== undefined) this.#hls.audioTrack = sound;
    this.#set({ sound });
  }

  showCaptions(index: number): void {
    for (const [at, track] of [...this.#video.textTracks].entries()) if (isCaption(track)) track.mode = at === index ? 'showing' : 'hidden';
    this.#set({ caption: index });
  }

  /** Wall clock of a place, ms since the Unix epoch; undefined when nobody knows. */
  clockOf(at: number): number | undefined {
    return this.#details === undefined ? undefined : clockAt(this.#details.fragments, at);
  }

  #listen(hls: Hls, startSec: number | undefined): void {
    const url = startSec === undefined ? this.#url : `${this.#url}?start=${startSec}`;
    hls.on(Hls.Events.MANIFEST_PARSED, (_name, { levels }) => this.#set({ levels: levels.map(({ height, bitrate }) => ({ height, bitrate })) }));
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, (_name, { audioTracks }) => this.#set({ sounds: audioTracks.map(({ name }) => name), sound: hls.audioTrack }));
    hls.on(Hls.Events.AUDIO_TRACK_SWITCHED, (_name, { id }) => this.#set({ sound: id }));
    hls.on(Hls.Events.LEVEL_SWITCHED, (_name, { level }) => this.#set({ level }));
    const target = new LiveTarget(hls);
    hls.on(Hls.Events.LEVEL_LOADED, () => (this.#askedAtMs = Date.now()));
    hls.on(Hls.Events.LEVEL_UPDATED, (_name, { details }) => {
      this.#take(details);
      target.follow(details, performance.now());
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#set({ problem: undefined }));
    hls.on(Hls.Events.ERROR, (_name, { fatal, type, details }) => {
      if (details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) target.stalled(performance.now());
      if (!fatal) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR) return hls.recoverMediaError();
      this.#set({ problem: 'Connection lost. Trying again.' });
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => (hls.levels.length === 0 ? hls.loadSource(url) : hls.startLoad()), retryMs);
    });
    hls.loadSource(url);
    hls.attachMedia(this.#video);
  }

  #take(details: LevelDetails): void {
    this.#details = details;
    const { endSN, lastPartSn, lastPartIndex } = details;
    // The same in all pictures.
    const newest = `${endSN} ${lastPartSn}.${lastPartIndex}`;
    if (newest !== this.#newest) this.#grewAtMs = Date.now();
    this.#newest = newest;
    this.#set({ live: details.live, range: { start: details.fragments[0]?.start ?? 0, end: details.edge } });
  }

  #watchVideo(): void {
    const on = (names: string, act: () => void): void => {
      for (const name of names.split(' ')) this.#video.addEventListener(name, act, { signal: this.#abort.signal });
    };
    // A pause is meant to be gone on from; who comes back in time is at the edge all the same.
    on('pause', () => (this.#follows = false));
    on('play pause volumechange timeupdate seeking loadedmetadata', () => this.#look());
    on('waiting', () => this.#set({ waiting: true }));
    on('playing seeked', () => this.#set({ waiting: false, begun: true, finished: false }));
    on('ended', () => this.#set({ finished: true }));
    const tracks = this.#video.textTracks;
    const listed = (): void => this.#listCaptions();
    for (const name of ['addtrack', 'removetrack', 'change']) tracks.addEventListener(name, listed, { signal: this.#abort.signal });
  }

  #look(): void {
    const video = this.#video;
    const { range, live } = this.state;
    if (this.#hls === undefined && video.seekable.length > 0) {
      const last = video.seekable.length - 1;
      this.#set({ range: { start: video.seekable.start(0), end: video.seekable.end(last) }, live: video.duration === Infinity });
    }
    const edge = this.#hls?.liveSyncPosition ?? range.end;
    const target = this.#details?.targetduration ?? 2;
    const shown = this.#hls?.playingDate?.getTime();
    // Before there is a playlist nobody knows where the edge is, and before there is a picture not where the viewer is.
    const isSomewhere = this.state.begun && (this.#hls === undefined || this.#details !== undefined);
    const isNear = isSomewhere ? video.currentTime >= edge - Math.max(edgeSeconds, target * 2) : this.#follows;
    this.#set({
      ...{ position: video.currentTime, paused: video.paused, muted: video.muted, volume: video.volume, buffered: bufferedUntil(video) },
      atEdge: live && isNear,
      interrupted: live && isNear && this.state.waiting && this.state.problem === undefined && this.#isInterrupted(),
      behindMs: shown === undefined ? undefined : Math.max(0, Date.now() + this.#clockOffsetMs - shown),
    });
    if (this.state.atEdge && isSomewhere && !video.paused) this.#follows = true;
    this.#keepUp(edge, target);
  }

  #isInterrupted(): boolean {
    if (this.#details === undefined) return false;
    const { edge, fragments, targetduration } = this.#details;
    const now = Date.now();
    return isInterrupted({
      newestMs: clockAt(fragments, edge),
      targetMs: targetduration * 1000,
      nowMs: now + this.#clockOffsetMs,
      askedMs: now - this.#askedAtMs,
      stillMs: now - this.#grewAtMs,
    });
  }

  /** Who watches live and was held up for long is taken to the edge again. */
  #keepUp(edge: number, target: number): void {
    const { live, begun } = this.state;
    if (live && begun && this.#follows && !this.#video.paused && this.#video.currentTime < edge - target * 3) this.#video.currentTime = edge;
  }

  #listCaptions(): void {
    const tracks = [...this.#video.textTracks].flatMap((track, index) =>
      isCaption(track) ? [{ index, label: track.label === '' ? (track.language === '' ? `Captions ${index + 1}` : track.language) : track.label }] : [],
    );
    const showing = [...this.#video.textTracks].findIndex((track) => isCaption(track) && track.mode === 'showing');
    this.#set({ captions: tracks, caption: showing });
  }

  /** A browser that lets nothing be heard without a click may let it be seen. */
  #playMuted(): void {
    if (this.#video.muted) return;
    this.#video.muted = true;
    void this.#video.play().catch(() => undefined);
  }

  /** The picture's age is told by the platform's clock: a viewer's may be minutes off. */
  async #setClock(): Promise<void> {
    try {
      const before = Date.now();
      const response = await fetch('/live/time', { cache: 'no-store', signal: this.#abort.signal });
      const theirs = Date.parse(await response.text());
      if (!Number.isNaN(theirs)) this.#clockOffsetMs = theirs - (before + Date.now()) / 2;
    } catch {
      // By the viewer's own clock, then.
    }
  }

  #set(change: Partial<PlaybackState>): void {
    const before = this.state as unknown as Record<string, unknown>;
    if (Object.entries(change).every(([name, value]) => isSame(before[name], value))) return;
    this.state = { ...this.state, ...change };
    this.#onChange();
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || (typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other));
}

function isCaption({ kind }: TextTrack): boolean {
  return kind === 'captions' || kind === 'subtitles';
}

function bufferedUntil(video: HTMLVideoElement): number {
  for (let i = 0; i < video.buffered.length; i++)
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.buffered.end(i) >= video.currentTime) return video.buffered.end(i);
  return video.currentTime;
}
