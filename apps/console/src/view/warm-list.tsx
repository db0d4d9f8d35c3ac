import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatBytes } from '../model/format.ts';
import { formatMoment } from '../model/time.ts';
import type { WarmView } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';

const shownMax = 8;

/** What edges were made to fetch last, how far each has come, and what failed. */
export function WarmList({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly WarmView[] }>('/api/v1/cdn/warms?limit=5', signal), [api]),
    4000,
  );
  const items = polled.value?.items;
  return (
    <section className="panel" aria-label="Warmings">
      <header>
        <h2>Warmings</h2>
      </header>
      <Waiting polled={polled} />
      {items?.length === 0 ? <p className="empty">Nothing has been fetched ahead on request.</p> : null}
      {items?.map((warm) => (
        <Warming key={warm.id} warm={warm} />
      ))}
    </section>
  );
}

function Warming({ warm }: { readonly warm: WarmView }) {
  const { id, mode, progress, reason, requestedAt, requestedBy, results } = warm;
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  return (
    <div className="node" data-testid={`warm-${id}`}>
      <div className="head">
        <code>{namedBy(warm)}</code>
        {mode === 'fetch' ? null : <span className="pill">{mode}</span>}
        {progress === null ? null : (
          <span className={progress.pending.length === 0 ? 'pill good' : 'pill warn'}>
            {progress.finished} of {progress.edges} edges
          </span>
        )}
        {failed === 0 ? null : <span className="pill bad">{failed.toLocaleString('en')} failed</span>}
      </div>
      <span className="label">
        {requestedAt === null ? '' : `${formatMoment(requestedAt)} · `}
        {requestedBy ?? '–'}
        {reason === '' ? '' : ` · ${reason}`} · {doneBy(warm)} · <EventsLink subject={id} />
      </span>
      {failed === 0 ? null : <Failures results={results} />}
    </div>
  );
}

/** The first few of each edge: the API has more of them. */
function Failures({ results }: Pick<WarmView, 'results'>) {
  return (
    <details>
      <summary>What failed</summary>
      <ul>
        {results.flatMap((result) =>
          result.failures.map(({ reason, url }) => (
            <li key={`${nameOf(result)} ${url} ${reason}`}>
              {nameOf(result)}: <code>{url}</code>: {reason}
            </li>
          )),
        )}
      </ul>
    </details>
  );
}

/** Of a large warming the first few. */
function namedBy({ sitemaps, total, urls }: WarmView): string {
  const names = [...sitemaps, ...urls].slice(0, shownMax);
  const more = total + sitemaps.length - names.length;
  return `${names.join(' · ')}${more > 0 ? ` and ${more.toLocaleString('en')} more` : ''}`;
}

const nameOf = ({ edgeId, mirroredFrom }: WarmView['results'][number]): string => (mirroredFrom === null ? edgeId : `${edgeId} of ${mirroredFrom}`);

function doneBy({ mode, results }: WarmView): string {
  if (results.length === 0) return 'no edge yet';
  const shown = results.slice(0, shownMax).map((result) => {
    const { bytes, fetched, present } = result;
    const fetches = mode === 'fetch' ? `${fetched.toLocaleString('en')} fetched (${formatBytes(bytes)})` : `${fetched.toLocaleString('en')} would be fetched`;
    return `${nameOf(result)}: ${fetches}, ${present.toLocaleString('en')} there already`;
  });
  return `${shown.join(', ')}${results.length > shown.length ? ` and ${results.length - shown.length} more` : ''}`;
}
