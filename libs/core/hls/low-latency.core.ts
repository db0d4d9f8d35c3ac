import { partHoldBackTargets, skipBoundaryTargets, type MediaPlaylist, type PlaylistPart, type RenditionReport } from './playlist.ts';

/** 4.4.3.7 and 4.4.3.8: what the server can do; the same in every playlist of the stream (6.2.4), also in that of its key frames. */
export function* serverControl({ targetDurationSec, lowLatency, iFrames, captionsOf }: MediaPlaylist): Generator<string> {
  // What is older than this may be left out for a client that asks so.
  const skip = `CAN-SKIP-UNTIL=${skipBoundaryTargets * targetDurationSec}`;
  if (lowLatency === undefined) {
    yield `#EXT-X-SERVER-CONTROL:${skip}`;
    return;
  }
  const partTarget = lowLatency.partTargetUs / 1_000_000;
  yield `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,${skip},PART-HOLD-BACK=${partHoldBackTargets * partTarget}`;
  // 4.4.4.9: a playlist of key frames has no parts, nor has one of captions.
  if (iFrames !== true && captionsOf === undefined) yield `#EXT-X-PART-INF:PART-TARGET=${partTarget}`;
}

/** 4.4.4.9. */
export function* partLines(parts: readonly PlaylistPart[]): Generator<string> {
  for (const { uri, durationUs, independent, gap } of parts) {
    const flags = `${independent ? ',INDEPENDENT=YES' : ''}${gap ? ',GAP=YES' : ''}`;
    yield `#EXT-X-PART:DURATION=${(durationUs / 1_000_000).toFixed(6)},URI="${uri}"${flags}`;
  }
}

/** 4.4.5.3: asked for before it is there, it is sent in the moment in which it is. */
export function* preloadHint(uri: string | undefined): Generator<string> {
  if (uri !== undefined) yield `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uri}"`;
}

/** 4.4.5.4: relative to this playlist, beside which the other one lies. */
export function renditionReport({ name, lastSequence, lastPart }: RenditionReport): string {
  const part = lastPart === undefined ? '' : `,LAST-PART=${lastPart}`;
  return `#EXT-X-RENDITION-REPORT:URI="./${name.replaceAll(':', '%3A')}.m3u8",LAST-MSN=${lastSequence}${part}`;
}
