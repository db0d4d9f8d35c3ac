import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import type { Playback, PlaybackState } from './playback.tsx';
import { tileAt, type Tile } from './thumbnails.ts';
import { placeText, shareOf } from './timeline.ts';

interface ScrubBarProps {
  readonly playback: Playback;
  readonly state: PlaybackState;
  readonly tiles: readonly Tile[];
}

/** All of the stream that can be gone to; over it, the picture of the place that is pointed at. */
export function ScrubBar({ playback, state, tiles }: ScrubBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number>();
  const [held, setHeld] = useState(false);
  const { range, live } = state;
  const placeOf = (event: PointerEvent): number => {
    const box = bar.current?.getBoundingClientRect();
    if (box === undefined) return range.end;
    return range.start + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (range.end - range.start);
  };
  const shown = held && pointed !== undefined ? pointed : state.atEdge ? range.end : state.position;
  const percent = (at: number): string => `${shareOf(range, at) * 100}%`;
  return (
    <div
      ref={bar}
      className={held ? 'scrub held' : 'scrub'}
      role="slider"
      tabIndex={0}
      data-testid="scrub"
      aria-label="Place in the stream"
      aria-valuemin={0}
      aria-valuemax={Math.round(range.end - range.start)}
      aria-valuenow={Math.round(Math.max(0, shown - range.start))}
      aria-valuetext={state.atEdge ? 'live' : placeText(range, shown, live)}
      onKeyDown={(event: KeyboardEvent) => event.key === 'Enter' && playback.toggle()}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setHeld(true);
        setPointed(placeOf(event));
      }}
      onPointerMove={(event) => setPointed(placeOf(event))}
      onPointerLeave={() => held || setPointed(undefined)}
      onPointerCancel={() => setHeld(false)}
      onPointerUp={(event) => {
        if (held) playback.seek(placeOf(event));
        setHeld(false);
        if (event.pointerType === 'touch') setPointed(undefined);
      }}
    >
      <div className="track">
        <i className="buffered" style={{ width: percent(state.buffered) }} />
        <i className="played" style={{ width: percent(shown) }} />
      </div>
      <i className="knob" style={{ left: percent(shown) }} />
      {pointed === undefined ? null : <Preview playback={playback} state={state} tiles={tiles} at={pointed} />}
    </div>
  );
}

function Preview({ playback, state, tiles, at }: ScrubBarProps & { readonly at: number }) {
  const tile = tileAt(tiles, playback.clockOf(at));
  const share = shareOf(state.range, at);
  return (
    <div className="preview" data-testid="preview" style={{ left: `clamp(84px, ${share * 100}%, calc(100% - 84px))` }}>
      {tile === undefined ? null : <TilePicture tile={tile} />}
      <span>{share > 0.995 && state.live ? 'live' : placeText(state.range, at, state.live)}</span>
    </div>
  );
}

const pictureWidth = 160;

export function TilePicture({ tile }: { readonly tile: Tile }) {
  const scale = pictureWidth / tile.width;
  return (
    <div
      className="tile"
      data-testid="tile"
      style={{
        width: pictureWidth,
        height: tile.height * scale,
        backgroundImage: `url("${tile.url}")`,
        backgroundPosition: `${-tile.x * scale}px ${-tile.y * scale}px`,
        backgroundSize: `${tile.imageWidth * scale}px ${tile.imageHeight * scale}px`,
      }}
    />
  );
}
