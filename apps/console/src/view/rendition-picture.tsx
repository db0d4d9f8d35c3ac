import { useEffect, useRef, useState } from 'react';
import { newestKeyFrame } from '../model/key-frame.ts';
import type { RenditionView } from '../model/types.ts';

interface RenditionPictureProps {
  readonly streamId: string;
  readonly rendition: RenditionView;
  /** Media sequence number of the newest segment; undefined while there is none. */
  readonly newest: number | undefined;
}

/** Not each segment: a picture every few seconds is enough to see what is on. */
const everyMs = 8000;
/** After a look that found none, as at the start of a stream. */
const againMs = 1500;

/**
 * The newest key frame of a rendition, decoded here and as its viewers see it: the platform makes no picture of each rendition
 * that nobody looks at.
 */
export function RenditionPicture({ streamId, rendition: { name, codecs, width, height }, newest }: RenditionPictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [failed, setFailed] = useState(false);
  const known = newest !== undefined;
  useEffect(() => {
    if (!known) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      let isDrawn = false;
      try {
        if (!document.hidden) await drawKeyFrame(canvas, `/live/${streamId}/${name}.iframes.m3u8`, codecs, abort.signal);
        isDrawn = true;
      } catch {
        // Told below; the next look may find a picture.
      }
      if (abort.signal.aborted) return;
      setFailed(!isDrawn);
      timer = setTimeout(() => void look(), isDrawn ? everyMs : againMs);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [streamId, name, codecs, known]);
  const shape = (height ?? 9) / (width ?? 16);
  return (
    <div className="picture" style={{ aspectRatio: `${width ?? 16} / ${height ?? 9}` }}>
      <canvas ref={canvas} width={pictureWidth} height={Math.round(pictureWidth * shape)} aria-label={`Picture of ${name}`} data-testid={`picture-${name}`} />
      {failed ? <span>no picture</span> : null}
    </div>
  );
}

const pictureWidth = 480;

type Bytes = ArrayBuffer;

async function fetched(url: string, signal: AbortSignal, range?: readonly [number, number]): Promise<Bytes> {
  const response = await fetch(url, { signal, ...(range === undefined ? {} : { headers: { range: `bytes=${range[0]}-${range[1]}` } }) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.arrayBuffer();
}

async function drawKeyFrame(canvas: { readonly current: HTMLCanvasElement | null }, playlist: string, codecs: string, signal: AbortSignal): Promise<void> {
  const text = new TextDecoder().decode(await fetched(playlist, signal));
  const place = newestKeyFrame(text, new URL(playlist, location.href).href);
  if (place === undefined) throw new Error('There is no key frame.');
  const { initUrl, mediaUrl, first, last } = place;
  const parts = await Promise.all([fetched(initUrl, signal), fetched(mediaUrl, signal, [first, last])]);
  const video = document.createElement('video');
  video.muted = true;
  const source = new MediaSource();
  const url = URL.createObjectURL(source);
  video.src = url;
  try {
    await decode(video, source, parts, codecs, signal);
    // What was there before stays until now, so that nothing flickers.
    canvas.current?.getContext('2d')?.drawImage(video, 0, 0, canvas.current.width, canvas.current.height);
  } finally {
    video.removeAttribute('src');
    URL.revokeObjectURL(url);
  }
}

async function decode(video: HTMLVideoElement, source: MediaSource, parts: readonly Bytes[], codecs: string, signal: AbortSignal): Promise<void> {
  await happened(source, 'sourceopen', signal);
  const buffer = source.addSourceBuffer(`video/mp4; codecs="${codecs}"`);
  for (const bytes of parts) {
    buffer.appendBuffer(bytes);
    await happened(buffer, 'updateend', signal);
  }
  if (buffer.buffered.length === 0) throw new Error('The key frame cannot be decoded.');
  video.currentTime = buffer.buffered.start(0);
  source.endOfStream();
  await happened(video, 'seeked', signal);
}

function happened(target: EventTarget, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    target.addEventListener('error', () => reject(new Error(`no ${name}`)), { once: true });
    target.addEventListener(name, () => resolve(), { once: true });
  });
}
