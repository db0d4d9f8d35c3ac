import type { Playback } from './playback.tsx';

const stepSeconds = 5;
const leapSeconds = 15;
const volumeStep = 0.1;

/** What keys do; those of the web's usual players, so that nobody has to learn them. */
const actions: Readonly<Record<string, (playback: Playback) => void>> = {
  ' ': (playback) => playback.toggle(),
  k: (playback) => playback.toggle(),
  m: (playback) => playback.setMuted(!playback.state.muted),
  arrowleft: (playback) => playback.seek(playback.state.position - stepSeconds),
  arrowright: (playback) => playback.seek(playback.state.position + stepSeconds),
  j: (playback) => playback.seek(playback.state.position - leapSeconds),
  l: (playback) => playback.seek(playback.state.position + leapSeconds),
  arrowup: (playback) => playback.setVolume(playback.state.volume + volumeStep),
  arrowdown: (playback) => playback.setVolume(playback.state.volume - volumeStep),
  home: (playback) => playback.startOver(),
  end: (playback) => playback.goLive(),
  c: (playback) => playback.showCaptions(playback.state.caption >= 0 ? -1 : (playback.state.captions[0]?.index ?? -1)),
};

/** True when the key was one of the player's. */
export function act(playback: Playback, event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>, onFullscreen: () => void): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = event.key.toLowerCase();
  if (key === 'f') {
    onFullscreen();
    return true;
  }
  const action = actions[key];
  action?.(playback);
  return action !== undefined;
}
