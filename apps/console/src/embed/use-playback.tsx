import { type RefObject, useCallback, useEffect, useState } from 'react';
import { availabilityOf, isFinal, type Availability } from './availability.ts';
import type { EmbedOptions } from './options.ts';
import { Playback, stateBefore, type PlaybackState } from './playback.tsx';
import { tilesOf, type Tile } from './thumbnails.ts';

const askEveryMs = 2000;
const tilesEveryMs = 10_000;

/** Asks for the playlist until it is there, or never will be. */
export function useAvailability(url: string): Availability {
  const [availability, setAvailability] = useState<Availability>('asking');
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const found = await fetch(url, { signal: abort.signal, cache: 'no-store' }).then(availabilityOf, (): Availability => 'away');
      if (abort.signal.aborted) return;
      setAvailability(found);
      if (!isFinal(found)) timer = setTimeout(() => void ask(), askEveryMs);
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [url]);
  return availability;
}

/** The playback in a video element, and its state. */
export function usePlayback(
  video: RefObject<HTMLVideoElement | null>,
  url: string | undefined,
  { startSec, autoplay }: EmbedOptions,
): { readonly playback: Playback | undefined; readonly state: PlaybackState } {
  const [playback, setPlayback] = useState<Playback>();
  const [state, setState] = useState(stateBefore);
  useEffect(() => {
    const element = video.current;
    if (element === null || url === undefined) return;
    const made = new Playback(element, { url, startSec, autoplay }, () => setState(made.state));
    setPlayback(made);
    setState(made.state);
    if (autoplay) made.play();
    return () => {
      made.close();
      setPlayback(undefined);
    };
  }, [video, url, startSec, autoplay]);
  return { playback, state };
}

/** The pictures of the scrub bar, as far as there are any; of a live stream again and again. */
export function useTiles(streamId: string, wanted: boolean, live: boolean): readonly Tile[] {
  const [tiles, setTiles] = useState<readonly Tile[]>([]);
  const read = useCallback(
    async (signal: AbortSignal): Promise<void> => {
      const path = `/live/${streamId}/thumbnails.m3u8`;
      try {
        const response = await fetch(path, { signal });
        if (response.ok) setTiles(tilesOf(await response.text(), new URL(path, location.href).href));
      } catch {
        // A player without them plays as well.
      }
    },
    [streamId],
  );
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    void read(abort.signal);
    const timer = live ? setInterval(() => void read(abort.signal), tilesEveryMs) : undefined;
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [wanted, live, read]);
  return tiles;
}
