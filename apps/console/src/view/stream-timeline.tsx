import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { routeOf, type SearchPage } from '../model/review.ts';
import { decisionOf, decisionTypes } from '../model/stream-health.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';

const shown = 60;

/** Every decision about a stream with its reason, the newest first; each leads to its event. */
export function StreamTimeline({ api, streamId }: { readonly api: Api; readonly streamId: string }) {
  const polled = usePolling(
    useCallback(
      (signal) => api.get<SearchPage>(`/api/v1/events/search?subject=${encodeURIComponent(streamId)}&type=${decisionTypes.join(',')}&limit=${shown}`, signal),
      [api, streamId],
    ),
    4000,
  );
  return (
    <section className="panel timeline" aria-label="Timeline" data-testid="timeline">
      <header>
        <h2>Timeline</h2>
        <span className="gap" />
        <EventsLink subject={streamId} />
      </header>
      <Waiting polled={polled} />
      <ol className="scroll" tabIndex={0}>
        {(polled.value?.items ?? []).map((event) => {
          const { title, reason, tone } = decisionOf(event);
          return (
            <li key={event.id} className={tone}>
              <time dateTime={event.time}>{new Date(event.time).toLocaleTimeString('en-GB')}</time>
              <a href={routeOf({ subject: streamId }, event.id)} title={`${event.type}, ${new Date(event.time).toLocaleString()}`}>
                {title}
              </a>
              {reason === '' ? null : <span>{reason}</span>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
