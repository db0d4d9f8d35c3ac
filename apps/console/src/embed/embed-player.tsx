import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { noticeOf, type Notice } from './availability.ts';
import { Controls } from './controls.tsx';
import { Icon } from './icons.tsx';
import { act } from './keyboard.tsx';
import type { EmbedOptions } from './options.ts';
import type { Playback, PlaybackState } from './playback.tsx';
import type { Tile } from './thumbnails.ts';
import { useAvailability, usePlayback, useTiles } from './use-playback.tsx';

const idleMs = 2500;

/** The player that other sites frame: the picture, and over it what there is to do. */
export function EmbedPlayer({ options }: { readonly options: EmbedOptions }) {
  const stage = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const playlist = `/live/${encodeURIComponent(options.streamId)}/master.m3u8`;
  const availability = useAvailability(playlist);
  const { playback, state } = usePlayback(video, availability === 'playable' ? playlist : undefined, options);
  const tiles = useTiles(options.streamId, availability === 'playable', state.live);
  const [fullscreen, toggleFullscreen] = useFullscreen(stage, video);
  const [awake, wake] = useAwake(state.paused);
  useKeys(playback, toggleFullscreen, wake);
  const notice = noticeOf(availability) ?? problemOf(state);
  const canWindow = 'pictureInPictureEnabled' in document && document.pictureInPictureEnabled;
  return (
    <div
      ref={stage}
      className={`player ${awake || notice !== undefined ? 'awake' : 'asleep'} ${state.paused ? 'paused' : 'plays'}`}
      data-testid="player"
      data-availability={availability}
      onPointerMove={wake}
      onPointerDown={wake}
    >
      <video ref={video} playsInline muted={options.muted} data-testid="video" onClick={() => playback?.toggle()} onDoubleClick={toggleFullscreen} />
      {options.title === '' ? null : <h1>{options.title}</h1>}
      <Centre playback={playback} state={state} tiles={tiles} notice={notice} waits={availability === 'asking' || availability === 'not-yet'} />
      {playback === undefined || state.support === 'none' ? null : (
        <Controls
          playback={playback}
          state={state}
          tiles={tiles}
          fullscreen={fullscreen}
          onFullscreen={toggleFullscreen}
          onWindow={canWindow ? () => void video.current?.requestPictureInPicture() : undefined}
        />
      )}
    </div>
  );
}

function problemOf({ problem, support, finished, interrupted, live }: PlaybackState): Notice | undefined {
  if (support === 'none') return { title: 'This browser cannot play it', detail: 'It has neither Media Source Extensions nor HLS.' };
  if (problem !== undefined) return { title: problem, detail: '' };
  if (interrupted) return { title: 'The broadcast is interrupted', detail: 'It goes on by itself as soon as something is sent again.' };
  return finished && !live ? { title: 'This stream has ended', detail: 'Everything that was sent can be watched again.' } : undefined;
}

interface CentreProps {
  readonly playback: Playback | undefined;
  readonly state: PlaybackState;
  readonly tiles: readonly Tile[];
  readonly notice: Notice | undefined;
  readonly waits: boolean;
}

/** What stands in the middle of the picture: a message, a big button, or the sign that something is on its way. */
function Centre({ playback, state, tiles, notice, waits }: CentreProps) {
  const mayStart = playback !== undefined && state.paused && !state.begun;
  if (notice !== undefined)
    return (
      <div className="centre notice" role="status" data-testid="notice">
        {waits ? <i className="dots" aria-hidden="true" /> : null}
        <strong>{notice.title}</strong>
        {notice.detail === '' ? null : <span>{notice.detail}</span>}
      </div>
    );
  if (mayStart)
    return (
      <div className="centre">
        <Poster tile={tiles.at(-1)} />
        <button type="button" className="big" aria-label="Play" data-testid="big-play" onClick={() => playback.play()}>
          <Icon name="play" />
        </button>
      </div>
    );
  if (playback === undefined || (state.waiting && !state.paused)) return <div className="centre spinner" role="status" aria-label="Loading" />;
  return state.muted && !state.paused && state.begun ? (
    <button type="button" className="unmute" data-testid="unmute" onClick={() => playback.setMuted(false)}>
      <Icon name="muted" /> Sound on
    </button>
  ) : null;
}

/** The newest picture, over all of the stage. */
function Poster({ tile }: { readonly tile: Tile | undefined }) {
  if (tile === undefined) return null;
  const columns = tile.imageWidth / tile.width;
  const rows = tile.imageHeight / tile.height;
  const along = (at: number, size: number, count: number): number => (count <= 1 ? 0 : ((at / size) * 100) / (count - 1));
  return (
    <div
      className="poster"
      style={{
        aspectRatio: `${tile.width} / ${tile.height}`,
        backgroundImage: `url("${tile.url}")`,
        backgroundSize: `${columns * 100}% ${rows * 100}%`,
        backgroundPosition: `${along(tile.x, tile.width, columns)}% ${along(tile.y, tile.height, rows)}%`,
      }}
    />
  );
}

/** Controls are shown while somebody does something, and whenever nothing plays. */
function useAwake(paused: boolean): readonly [boolean, () => void] {
  const [idle, setIdle] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const wake = useCallback(() => {
    setIdle(false);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setIdle(true), idleMs);
  }, []);
  useEffect(() => {
    timer.current = setTimeout(() => setIdle(true), idleMs);
    return () => clearTimeout(timer.current);
  }, []);
  return [paused || !idle, wake];
}

function useKeys(playback: Playback | undefined, onFullscreen: () => void, wake: () => void): void {
  useEffect(() => {
    if (playback === undefined) return;
    const onKey = (event: KeyboardEvent): void => {
      const on = event.target instanceof HTMLElement ? event.target.tagName : '';
      // A focused button takes the space bar, a focused slider the arrows.
      if (on === 'INPUT' || (on === 'BUTTON' && (event.key === ' ' || event.key === 'Enter'))) return;
      wake();
      if (act(playback, event, onFullscreen)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [playback, onFullscreen, wake]);
}

type FullscreenVideo = HTMLVideoElement & { webkitEnterFullscreen?(): void };

/** The whole stage where that is possible; the picture alone on telephones that allow nothing else. */
function useFullscreen(stage: RefObject<HTMLElement | null>, video: RefObject<HTMLVideoElement | null>): readonly [boolean, () => void] {
  const [fullscreen, setFullscreen] = useState(false);
  useEffect(() => {
    const look = (): void => setFullscreen(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, []);
  const toggle = useCallback(() => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void stage.current?.requestFullscreen().catch(() => undefined);
    else (video.current as FullscreenVideo | null)?.webkitEnterFullscreen?.();
  }, [stage, video]);
  return [fullscreen, toggle];
}
