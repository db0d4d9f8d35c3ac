import { useCallback, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { ParkedDetail, ParkedSummary } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

const base = '/api/v1/events/parked';

/** Events that nobody could read or a projection could not take, and what waits behind them. */
export function ParkedPanel({ api }: { readonly api: Api }) {
  const { value, error, refresh } = usePolling(
    useCallback((signal) => api.get<{ items: readonly ParkedSummary[] }>(`${base}?limit=50&state=parked`, signal), [api]),
    3000,
  );
  const [problem, setProblem] = useState<string>();
  const act = async (id: string, verb: 'retry' | 'discard', reason: string): Promise<void> => {
    setProblem(undefined);
    try {
      await api.post(`${base}/${id}/${verb}`, { reason });
      refresh();
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
    }
  };
  const items = value?.items ?? [];
  const held = items.reduce((sum, one) => sum + one.held, 0);
  return (
    <section className="panel parked" aria-label="Parked">
      <header>
        <h2>Parked</h2>
        {held === 0 ? null : <span className="pill warn">{held.toLocaleString('en')} events wait</span>}
      </header>
      {value !== undefined && items.length === 0 ? <p className="empty">Nothing is parked.</p> : null}
      {value !== undefined ? null : <p className="empty">{error?.message ?? 'Asking …'}</p>}
      {problem === undefined ? null : (
        <p className="note error" role="alert">
          {problem}
        </p>
      )}
      {items.map((parked) => (
        <ParkedRow key={parked.id} api={api} parked={parked} act={act} />
      ))}
    </section>
  );
}

interface ParkedRowProps {
  readonly api: Api;
  readonly parked: ParkedSummary;
  act(id: string, verb: 'retry' | 'discard', reason: string): Promise<void>;
}

function ParkedRow({ api, parked, act }: ParkedRowProps) {
  const { id, state, consumer, eventType, code, message, attempts, held } = parked;
  const [detail, setDetail] = useState<ParkedDetail>();
  const [reason, setReason] = useState('');
  const open = (isOpen: boolean): void => {
    if (!isOpen) return;
    void api.get<ParkedDetail>(`${base}/${id}`).then(setDetail, () => undefined);
  };
  return (
    <details className="node" data-testid={`parked-${id}`} onToggle={(event) => open(event.currentTarget.open)}>
      <summary className="head">
        <strong>{eventType === '' ? 'unreadable' : eventType}</strong>
        <span className="pill warn">{state === 'parked' ? code : state}</span>
        <span className="label">
          {consumer === '*' ? 'nobody can read it' : consumer}
          {held === 0 ? '' : `, ${held.toLocaleString('en')} wait behind it`}
        </span>
      </summary>
      <p className="note">{message}</p>
      <p className="label">
        {id}, tried {attempts} times{detail === undefined || detail.key === null ? '' : `, key ${detail.key}`}
      </p>
      {(detail?.waiting ?? []).map((one) => (
        <p className="label" key={one.offset}>
          waits: {one.offset} {one.eventType}
        </p>
      ))}
      {detail === undefined || detail.stack === '' ? null : <pre className="note">{detail.stack}</pre>}
      <div className="row">
        <label className="field">
          <span className="label">Reason</span>
          <input value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        <TypedConfirm word="retry" label="Retry" onConfirm={() => void act(id, 'retry', reason)} />
        {reason.trim() === '' ? null : <TypedConfirm word="discard" label="Discard" onConfirm={() => void act(id, 'discard', reason)} />}
      </div>
    </details>
  );
}
