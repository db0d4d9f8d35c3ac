import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatMoment } from '../model/time.ts';
import type { PurgeView } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';

interface PurgeListProps {
  readonly api: Api;
  readonly asOf?: string | undefined;
}

/** What was purged last, and which edges have done it; as of a moment, which had done it by then. */
export function PurgeList({ api, asOf }: PurgeListProps) {
  const polled = usePolling(
    useCallback(
      (signal) => {
        const query = new URLSearchParams({ limit: '10', ...(asOf === undefined ? {} : { asOf }) });
        return api.get<{ items: readonly PurgeView[] }>(`/api/v1/cdn/purges?${query}`, signal);
      },
      [api, asOf],
    ),
    4000,
  );
  const items = polled.value?.items;
  return (
    <section className="panel" aria-label="Purges">
      <header>
        <h2>Purges</h2>
      </header>
      <Waiting polled={polled} />
      {items?.length === 0 ? <p className="empty">Nothing {asOf === undefined ? 'has been' : 'had been'} purged.</p> : null}
      {items?.map(({ id, urls, reason, requestedAt, requestedBy, applied }) => (
        <div className="node" key={id} data-testid={`purge-${id}`}>
          <code>{urls.join(' ')}</code>
          <span className="label">
            {requestedAt === null ? '' : `${formatMoment(requestedAt)} · `}
            {requestedBy ?? '–'}
            {reason === '' ? '' : ` · ${reason}`} ·{' '}
            {applied.length === 0
              ? 'no edge yet'
              : applied
                  .map(({ edgeId, mirroredFrom, delayMs }) => `${edgeId}${mirroredFrom === null ? '' : ` of ${mirroredFrom}`} after ${delayMs} ms`)
                  .join(', ')}{' '}
            · <EventsLink subject={id} />
          </span>
        </div>
      ))}
    </section>
  );
}
