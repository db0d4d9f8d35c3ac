import Hls, { type Level } from 'hls.js';
import { type RefObject, useEffect, useState } from 'react';
import { beginAnewIfStuck, hlsSettings, LiveTarget, startMsMax } from '../model/hls-settings.ts';

export interface PlayerState {
  readonly levels: readonly Level[];
  /** Index of the level that plays; -1 before the first. */
  readonly level: number;
  /** -1 for automatic. */
  readonly pinned: number;
  /** Wall clock minus the clock of the picture shown, ms; undefined when the playlist has no program date. */
  readonly behindMs: number | undefined;
  /** RFC 3339: when the picture shown was recorded; undefined when the playlist has no program date. */
  readonly shownAt: string | undefined;
  readonly bufferedMs: number;
  readonly problem: string | undefined;
  pin(level: number): void;
}

const figuresPeriodMs = 500;
const retryMs = 750;

/** Plays an HLS URL in a video element; heals itself: a lost network, a bad segment, an origin that was away. */
export function usePlayer(video: RefObject<HTMLVideoElement | null>, url: string | undefined): PlayerState {
  const [hls, setHls] = useState<Hls>();
  const [levels, setLevels] = useState<readonly Level[]>([]);
  const [level, setLevel] = useState(-1);
  const [pinned, setPinned] = useState(-1);
  const [problem, setProblem] = useState<string>();
  const [figures, setFigures] = useState<Pick<PlayerState, 'behindMs' | 'shownAt' | 'bufferedMs'>>({ behindMs: undefined, shownAt: undefined, bufferedMs: 0 });

  useEffect(() => {
    const element = video.current;
    if (element === null || url === undefined) return;
    setProblem(undefined);
    setPinned(-1);
    if (!Hls.isSupported()) {
      element.src = url;
      return () => element.removeAttribute('src');
    }
    const player = new Hls(hlsSettings);
    const retry = healing(player, url, setProblem);
    const target = new LiveTarget(player);
    player.on(Hls.Events.LEVEL_UPDATED, (_name, { details }) => target.follow(details, performance.now()));
    player.on(Hls.Events.ERROR, (_name, { details }) => details === Hls.ErrorDetails.BUFFER_STALLED_ERROR && target.stalled(performance.now()));
    player.on(Hls.Events.MANIFEST_PARSED, (_name, data) => setLevels(data.levels));
    player.on(Hls.Events.LEVEL_SWITCHED, (_name, data) => setLevel(data.level));
    player.on(Hls.Events.FRAG_BUFFERED, () => setProblem(undefined));
    const watch = setInterval(() => beginAnewIfStuck(player, element), startMsMax);
    player.loadSource(url);
    player.attachMedia(element);
    setHls(player);
    return () => {
      clearTimeout(retry.timer);
      clearInterval(watch);
      player.destroy();
      setHls(undefined);
      setLevels([]);
      setLevel(-1);
    };
  }, [video, url]);

  useEffect(() => {
    const timer = setInterval(() => {
      const shown = hls?.playingDate ?? undefined;
      setFigures({
        behindMs: shown === undefined ? undefined : Date.now() - shown.getTime(),
        shownAt: shown?.toISOString(),
        bufferedMs: bufferedMsOf(video.current),
      });
    }, figuresPeriodMs);
    return () => clearInterval(timer);
  }, [hls, video]);

  const pin = (to: number): void => {
    if (hls !== undefined) hls.nextLevel = to;
    setPinned(to);
  };
  return { levels, level, pinned, problem, pin, ...figures };
}

function healing(player: Hls, url: string, setProblem: (problem: string) => void): { timer: ReturnType<typeof setTimeout> | undefined } {
  const retry: { timer: ReturnType<typeof setTimeout> | undefined } = { timer: undefined };
  player.on(Hls.Events.ERROR, (_name, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      player.recoverMediaError();
      return;
    }
    setProblem(data.response?.code === 404 ? 'Waiting for the first segment' : 'Connection lost, reconnecting');
    clearTimeout(retry.timer);
    retry.timer = setTimeout(() => {
      if (player.levels.length === 0) player.loadSource(url);
      else player.startLoad();
    }, retryMs);
  });
  return retry;
}

function bufferedMsOf(video: HTMLVideoElement | null): number {
  if (video === null) return 0;
  for (let i = 0; i < video.buffered.length; i++) {
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.buffered.end(i) >= video.currentTime) {
      return Math.round((video.buffered.end(i) - video.currentTime) * 1000);
    }
  }
  return 0;
}
