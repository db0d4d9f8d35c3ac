import { useCallback, useEffect } from 'react';
import type { Api } from '../model/api.ts';
import { formatMoment } from '../model/time.ts';
import type { PurgeView } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';

interface PurgeListProps {
  readonly api: Api;
  readonly asOf?: string | undefined;
  /** Another number each time that an event told of a purge. */
  readonly pulse?: number;
}

/** From the event to its row, ms. */
const rowMs = 250;
const shownMax = 8;

/** What was purged last, and which edges have done it; as of a moment, which had done it by then. */
export function PurgeList({ api, asOf, pulse = 0 }: PurgeListProps) {
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
  const { refresh } = polled;
  useEffect(() => {
    if (pulse === 0) return undefined;
    const timer = setTimeout(refresh, rowMs);
    return () => clearTimeout(timer);
  }, [pulse, refresh]);
  const items = polled.value?.items;
  return (
    <section className="panel" aria-label="Purges">
      <header>
        <h2>Purges</h2>
      </header>
      <Waiting polled={polled} />
      {items?.length === 0 ? <p className="empty">Nothing {asOf === undefined ? 'has been' : 'had been'} purged.</p> : null}
      {items?.map(({ id, reason, requestedAt, requestedBy, applied, ...purge }) => (
        <div className="node" key={id} data-testid={`purge-${id}`}>
          <div className="head">
            <code>{namedBy(purge)}</code>
            {purge.mode === 'hard' ? null : <span className="pill">{purge.mode}</span>}
            <Progress progress={purge.progress} />
          </div>
          <span className="label">
            {requestedAt === null ? '' : `${formatMoment(requestedAt)} · `}
            {requestedBy ?? '–'}
            {reason === '' ? '' : ` · ${reason}`} · {appliedBy(applied)} · <EventsLink subject={id} />
          </span>
        </div>
      ))}
    </section>
  );
}

/** Of a large purge the first few. */
function namedBy({ urls, selectors, total }: Pick<PurgeView, 'urls' | 'selectors' | 'total'>): string {
  const names = [...urls, ...selectors.map(({ kind, value }) => (kind === 'all' ? 'everything' : `${kind} ${value}`))].slice(0, shownMax);
  return `${names.join(' · ')}${total > names.length ? ` and ${(total - names.length).toLocaleString('en')} more` : ''}`;
}

function appliedBy(applied: PurgeView['applied']): string {
  if (applied.length === 0) return 'no edge yet';
  const shown = applied
    .slice(0, shownMax)
    .map(({ edgeId, mirroredFrom, delayMs }) => `${edgeId}${mirroredFrom === null ? '' : ` of ${mirroredFrom}`} after ${delayMs} ms`);
  return `${shown.join(', ')}${applied.length > shown.length ? ` and ${applied.length - shown.length} more` : ''}`;
}

/** How many of the edges that are up have applied it, how quickly, and which have not. */
function Progress({ progress }: { readonly progress: PurgeView['progress'] }) {
  if (progress === null) return null;
  const { applied, edges, laggards, p50Ms, p99Ms } = progress;
  return (
    <span className={laggards.length === 0 ? 'pill good' : 'pill warn'} title={laggards.length === 0 ? '' : `still to come: ${laggards.join(', ')}`}>
      {applied} of {edges} edges{p50Ms === null || p99Ms === null ? '' : ` · p50 ${p50Ms} ms, p99 ${p99Ms} ms`}
      {laggards.length === 0 ? '' : ` · ${laggards.slice(0, shownMax).join(', ')} missing`}
    </span>
  );
}
