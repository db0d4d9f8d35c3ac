import { CaptionsMenu, QualityMenu, SoundMenu } from './menu.tsx';
import { IconButton } from './icons.tsx';
import type { Playback, PlaybackState } from './playback.tsx';
import { ScrubBar } from './scrub-bar.tsx';
import type { Tile } from './thumbnails.ts';
import { clockText, placeText } from './timeline.ts';

interface ControlsProps {
  readonly playback: Playback;
  readonly state: PlaybackState;
  readonly tiles: readonly Tile[];
  readonly fullscreen: boolean;
  onFullscreen(): void;
  /** Undefined where the browser has no picture in picture. */
  readonly onWindow: (() => void) | undefined;
}

/** The least that there is to go back to, seconds: below it a bar makes no sense. */
const scrubbableSeconds = 8;

export function Controls({ playback, state, tiles, fullscreen, onFullscreen, onWindow }: ControlsProps) {
  const canScrub = state.range.end - state.range.start >= scrubbableSeconds || !state.live;
  return (
    <div className="controls">
      {canScrub ? <ScrubBar playback={playback} state={state} tiles={tiles} /> : null}
      <div className="bar">
        <IconButton
          id="play"
          icon={state.finished ? 'again' : state.paused ? 'play' : 'pause'}
          label={state.finished ? 'Watch again' : state.paused ? 'Play (k)' : 'Pause (k)'}
          onPress={() => playback.toggle()}
        />
        {canScrub ? <IconButton id="start-over" icon="start" label="From the beginning (Home)" onPress={() => playback.startOver()} /> : null}
        <Volume playback={playback} state={state} />
        <Place playback={playback} state={state} />
        <span className="gap" />
        <SoundMenu playback={playback} state={state} />
        <CaptionsMenu playback={playback} state={state} />
        <QualityMenu playback={playback} state={state} />
        {onWindow === undefined ? null : <IconButton id="window" icon="window" label="Picture in picture" onPress={onWindow} />}
        <IconButton
          id="fullscreen"
          icon={fullscreen ? 'small' : 'full'}
          label={fullscreen ? 'Leave full screen (f)' : 'Full screen (f)'}
          onPress={onFullscreen}
        />
      </div>
    </div>
  );
}

interface PartProps {
  readonly playback: Playback;
  readonly state: PlaybackState;
}

function Volume({ playback, state }: PartProps) {
  const level = state.muted ? 0 : state.volume;
  return (
    <div className="volume">
      <IconButton
        id="mute"
        icon={level === 0 ? 'muted' : 'loud'}
        label={level === 0 ? 'Sound on (m)' : 'Sound off (m)'}
        onPress={() => playback.setMuted(level > 0)}
      />
      <input
        type="range"
        min={0}
        max={1}
        step={0.05}
        value={level}
        aria-label="Volume"
        style={{ '--share': `${level * 100}%` } as React.CSSProperties}
        onChange={(event) => playback.setVolume(Number(event.target.value))}
      />
    </div>
  );
}

/** Live: the way to the edge, and how old the picture is; a recording: how far in, of how much. */
function Place({ playback, state }: PartProps) {
  const { range, live, position, atEdge, behindMs, begun, interrupted } = state;
  if (!live)
    return (
      <span className="place" data-testid="place">
        {placeText(range, position, false)} <small>/ {clockText(range.end - range.start)}</small>
      </span>
    );
  return (
    <span className="place">
      <button
        type="button"
        className={atEdge && !interrupted ? 'edge on' : 'edge'}
        data-testid="edge"
        aria-label={atEdge ? 'Live' : 'Go to live (End)'}
        onClick={() => playback.goLive()}
      >
        live
      </button>
      {begun && behindMs !== undefined && !interrupted ? (
        <small data-testid="latency" title="How old the picture is">
          {atEdge ? `${(behindMs / 1000).toFixed(1)} s` : clockText(-behindMs / 1000)}
        </small>
      ) : null}
    </span>
  );
}
