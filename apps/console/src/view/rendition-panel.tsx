import { formatBitrate } from '../model/format.ts';
import type { RenditionView, StreamDetail } from '../model/types.ts';
import { RenditionPicture } from './rendition-picture.tsx';

/** What the encoder makes of it, each with the picture that its viewers see. */
export function RenditionPanel({ stream }: { readonly stream: StreamDetail }) {
  const videos = stream.renditions.filter(({ kind }) => kind === 'video');
  const audios = stream.renditions.filter(({ kind }) => kind === 'audio');
  return (
    <section className="panel renditions" aria-label="Renditions" data-testid="renditions">
      <header>
        <h2>Renditions</h2>
        <span className="gap" />
        {audios.map((audio) => (
          <span className="label" key={audio.name}>
            {audio.label ?? audio.name} {audio.codecs} {measuredBitrate(audio)}
          </span>
        ))}
      </header>
      {videos.length === 0 ? <p className="empty">None yet.</p> : null}
      <ul>
        {videos.map((rendition) => (
          <li key={rendition.name} data-testid="rendition">
            <RenditionPicture streamId={stream.id} rendition={rendition} newest={rendition.segments.at(-1)?.mediaSequence} />
            <strong>{rendition.name}</strong>
            <span>
              {rendition.width}×{rendition.height} at {rendition.frameRate?.toFixed(0)} /s
            </span>
            <span>{measuredBitrate(rendition)}</span>
            <small>{rendition.codecs}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Of the newest segments, as they really are. */
function measuredBitrate({ segments }: RenditionView): string {
  const ms = segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return ms === 0 ? '–' : formatBitrate((bytes * 8000) / ms);
}
