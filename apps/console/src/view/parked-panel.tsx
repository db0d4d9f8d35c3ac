import { useCallback } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import type { ParkedSummary } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { ParkedAbout, ParkedHead, ParkedRow } from './parked-row.tsx';
import { Problem, Waiting } from './problem.tsx';

const base = '/api/v1/events/parked';
const shownMax = 20;

interface ParkedPage {
  readonly items: readonly ParkedSummary[];
  readonly nextCursor: string | null;
}

/** Events that nobody could read or a projection could not take, and what waits behind them. */
export function ParkedPanel({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<ParkedPage>(`${base}?limit=${shownMax}&state=parked`, signal), [api]),
    3000,
  );
  const { problem, act } = useAction(polled.refresh);
  const order = (id: string, verb: 'retry' | 'discard', reason: string): void => void act(() => api.post(`${base}/${id}/${verb}`, { reason }));
  const items = polled.value?.items ?? [];
  const held = items.reduce((sum, one) => sum + one.held, 0);
  return (
    <section className="panel parked" aria-label="Parked">
      <header>
        <h2>Parked</h2>
        {held === 0 ? null : <span className="pill warn">{held.toLocaleString('en')} events wait</span>}
      </header>
      <Waiting polled={polled} />
      {polled.value !== undefined && items.length === 0 ? <p className="empty">Nothing is parked: every event was read and taken.</p> : null}
      <Problem text={problem} />
      {items.map((parked) => (
        <ParkedRow key={parked.id} api={api} parked={parked} order={order} />
      ))}
      <MoreNote page={polled.value} />
    </section>
  );
}

/** What was parked at a moment: who could not take what. What waited behind it is not kept. */
export function PastParked({ api, asOf }: { readonly api: Api; readonly asOf: string }) {
  const polled = usePolling(
    useCallback((signal) => api.get<ParkedPage>(`${base}?${new URLSearchParams({ limit: String(shownMax), state: 'parked', asOf })}`, signal), [api, asOf]),
    10_000,
  );
  const items = polled.value?.items ?? [];
  return (
    <section className="panel parked" aria-label="Parked">
      <header>
        <h2>Parked then</h2>
      </header>
      <Waiting polled={polled} />
      {polled.value !== undefined && items.length === 0 ? <p className="empty">Nothing was parked.</p> : null}
      {items.map((parked) => (
        <div key={parked.id} className="node" data-testid={`parked-${parked.id}`}>
          <ParkedHead parked={parked} />
          <p className="note">{parked.message}</p>
          <ParkedAbout parked={parked} />
        </div>
      ))}
      <MoreNote page={polled.value} />
    </section>
  );
}

function MoreNote({ page }: { readonly page: ParkedPage | undefined }) {
  if (page === undefined || page.nextCursor === null) return null;
  return <p className="note">There are more than {shownMax}. `streams parked list` has them all, and `streams parked retry --all` redrives many at once.</p>;
}
