import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatBytes, formatSpan } from '../model/format.ts';
import type { Recording, StreamDetail } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Stale } from './problem.tsx';

/** The API names the edge that the public knows; the page is served by an edge or the gateway, and each has all media. */
const here = (url: string): string => new URL(url).pathname;

/** The one file that a stopped stream is made into: its poster, and the way to take it along. */
export function RecordingBar({ api, streamId }: { readonly api: Api; readonly streamId: string }) {
  const { value, error } = usePolling(
    useCallback((signal) => api.get<StreamDetail>(`/api/v1/streams/${streamId}`, signal), [api, streamId]),
    5000,
  );
  if (value === undefined) return <Problem text={error?.message} />;
  return (
    <div className="recording" data-testid="recording">
      {value.recording === null ? (
        <span className="label">The recording is being made of its segments.</span>
      ) : (
        <Made name={value.name} recording={value.recording} />
      )}
      <Stale polled={{ value, error }} />
      <EventsLink subject={`${streamId}/recording`} />
    </div>
  );
}

function Made({
  name,
  recording: { status, reason, mp4Url, posterUrl, durationMs, bytes, width, height },
}: {
  readonly name: string;
  readonly recording: Recording;
}) {
  if (status === 'failed') return <span className="label">There is no recording: {reason}.</span>;
  return (
    <>
      {posterUrl === null ? null : <img src={here(posterUrl)} alt={`Poster of ${name}`} width={128} height={72} />}
      {mp4Url === null ? null : (
        <a className="btn small" href={here(mp4Url)} download={`${name}.mp4`}>
          Download MP4
        </a>
      )}
      <span className="label">
        {[durationMs === null ? '' : formatSpan(durationMs), bytes === null ? '' : formatBytes(bytes), width === null ? '' : `${width}×${height}`]
          .filter((part) => part !== '')
          .join(', ')}
      </span>
    </>
  );
}
