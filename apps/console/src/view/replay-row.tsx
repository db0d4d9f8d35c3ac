import { useCallback, useEffect, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { Replay, ReplayDetail } from '../model/types.ts';
import { DifferenceView } from './difference-view.tsx';
import { EventsLink } from './events-link.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface ReplayRowProps {
  readonly api: Api;
  readonly replay: Replay;
  /** What served before it is kept. */
  readonly canRollBack: boolean;
  /** @param what it is, for the reason why it did not go */
  act(what: string, path: string, body: object): Promise<void>;
}

const pills: Readonly<Partial<Record<Replay['status'], string>>> = { failed: 'pill bad', promoted: 'pill good', compared: 'pill good', running: 'pill live' };

/** One replay: how far it is, what can be done with it, and what differs. */
export function ReplayRow({ api, replay, canRollBack, act }: ReplayRowProps) {
  const { id, mode, status, progress, note, requestedBy, serves, eventsGone } = replay;
  const losesRows = status === 'ready' && mode === 'rebuild' && eventsGone !== null && eventsGone > 0;
  const share = progress === null || progress.total === 0 ? 0 : progress.done / progress.total;
  const post = (verb: string, what: string, more: object = {}): void => void act(what, `/api/v1/replays/${id}/${verb}`, { reason: 'console', ...more });
  return (
    <div className="replay" data-testid="replay">
      <div className="head">
        <span className={pills[status] ?? 'pill warn'}>{status}</span>
        {serves ? <span className="pill good">serves</span> : null}
        <span className="label">
          {mode} {id} · {requestedBy ?? '–'}
          {note !== null && note !== '' && status === 'failed' ? ` · ${note}` : ''} · <EventsLink subject={id} />
        </span>
      </div>
      {status === 'running' && progress !== null ? (
        <>
          <div className="bar" role="img" aria-label={`${Math.floor(share * 100)} percent`}>
            <span style={{ width: `${share * 100}%` }} />
          </div>
          <span className="label">
            {progress.done.toLocaleString('en')} of {progress.total.toLocaleString('en')} events, {progress.eventsPerSecond.toLocaleString('en')}/s
            {progress.etaMs === null ? '' : `, ${Math.ceil(progress.etaMs / 1000)} s left`}
          </span>
        </>
      ) : null}
      {losesRows ? (
        <p className="note error">
          The log no longer holds {eventsGone.toLocaleString('en')} events from before it began: rows that only they told of are not in it. What serves stays
          until that is accepted.
        </p>
      ) : null}
      <div className="row">
        {status === 'running' || status === 'requested' ? <Verb label="Pause" onClick={() => post('pause', 'Pause')} /> : null}
        {status === 'paused' ? <Verb label="Resume" onClick={() => post('resume', 'Resume')} /> : null}
        {['requested', 'running', 'paused', 'ready'].includes(status) ? <Verb label="Cancel" onClick={() => post('cancel', 'Cancel')} /> : null}
        {status === 'ready' ? (
          <TypedConfirm
            word={replay.projection}
            label={losesRows ? 'Promote and lose what is gone' : 'Promote'}
            onConfirm={() => post('promote', 'Promote', losesRows ? { acceptLoss: true } : {})}
          />
        ) : null}
        {status === 'promoted' && serves && canRollBack ? (
          <TypedConfirm word={replay.projection} label="Roll back" onConfirm={() => post('rollback', 'Roll back')} />
        ) : null}
      </div>
      {status === 'compared' ? <Difference api={api} id={id} /> : null}
    </div>
  );
}

function Verb({ label, onClick }: { readonly label: string; onClick(): void }) {
  return (
    <button type="button" className="btn small" onClick={onClick}>
      {label}
    </button>
  );
}

function Difference({ api, id }: { readonly api: Api; readonly id: string }) {
  const [detail, setDetail] = useState<ReplayDetail>();
  const load = useCallback(
    (signal: AbortSignal) =>
      api
        .get<ReplayDetail>(`/api/v1/replays/${id}`, signal)
        .then(setDetail)
        .catch(() => undefined),
    [api, id],
  );
  useEffect(() => {
    const abort = new AbortController();
    void load(abort.signal);
    return () => abort.abort();
  }, [load]);
  if (detail?.difference === undefined || detail.difference === null) return null;
  return <DifferenceView difference={detail.difference} built="the code" />;
}
