import { formatAge, formatSpan } from '../model/format.ts';
import type { StreamSummary } from '../model/types.ts';
import { StatusPill } from './status-pill.tsx';

function agoText(time: string | null): string {
  return `${formatAge(Date.now() - Date.parse(time ?? ''))} ago`;
}

/** All streams, those on air first; each leads to its page. */
export function StreamTable({ streams }: { readonly streams: readonly StreamSummary[] | undefined }) {
  const rank = ({ status }: StreamSummary): number => ['live', 'interrupted', 'created', 'stopped'].indexOf(status);
  const sorted = [...(streams ?? [])].sort((a, b) => rank(a) - rank(b));
  return (
    <main className="page">
      <section className="panel" aria-label="Streams">
        <header>
          <h2>Streams</h2>
          <span className="gap" />
          <span className="label">{streams === undefined ? '' : `${streams.length} shown`}</span>
        </header>
        {streams?.length === 0 ? <p className="empty">No streams yet. Create one on the page “Live”.</p> : null}
        <ul className="stream-table">
          {sorted.map((stream) => (
            <li key={stream.id}>
              <a href={`#/streams/${stream.id}`} data-testid="stream-link">
                <StatusPill stream={stream} />
                <span className="what">
                  <strong>{stream.name}</strong>
                  <small>{stream.id}</small>
                </span>
                <span className="number">
                  <small>viewers</small>
                  {stream.status === 'live' || stream.status === 'interrupted' ? (stream.viewers ?? 0) : '–'}
                </span>
                <span className="number wide">
                  <small>recorded</small>
                  {stream.durationMs === null ? '–' : formatSpan(stream.durationMs)}
                </span>
                <span className="number wide">
                  <small>created</small>
                  {agoText(stream.createdAt)}
                </span>
              </a>
            </li>
          ))}
        </ul>
      </section>
    </main>
  );
}
