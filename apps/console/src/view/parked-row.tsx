import { saysWhy } from '#kernel';
import { useState } from 'react';
import type { Api } from '../model/api.ts';
import { routeOf } from '../model/review.ts';
import { formatMoment } from '../model/time.ts';
import type { ParkedDetail, ParkedSummary } from '../model/types.ts';
import { reasonOf } from '../action.tsx';
import { OriginLink } from './events-link.tsx';
import { Problem } from './problem.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface ParkedRowProps {
  readonly api: Api;
  readonly parked: ParkedSummary;
  order(id: string, verb: 'retry' | 'discard', reason: string): void;
}

/** One parked event: what it is, why it failed, what waits behind it, and what can be done. */
export function ParkedRow({ api, parked, order }: ParkedRowProps) {
  const { id, message } = parked;
  const [detail, setDetail] = useState<ParkedDetail>();
  const [problem, setProblem] = useState<string>();
  const [reason, setReason] = useState('');
  const open = (isOpen: boolean): void => {
    if (!isOpen) return;
    setProblem(undefined);
    api.get<ParkedDetail>(`/api/v1/events/parked/${id}`).then(setDetail, (failure: unknown) => setProblem(reasonOf(failure)));
  };
  const isWaiting = parked.state === 'parked';
  return (
    <details className="node" data-testid={`parked-${id}`} onToggle={(event) => open(event.currentTarget.open)}>
      <summary>
        <ParkedHead parked={parked} />
      </summary>
      <p className="note">{message}</p>
      <ParkedAbout parked={parked} />
      <Problem text={problem} />
      {detail === undefined ? null : <Behind detail={detail} />}
      {detail === undefined || detail.stack === '' ? null : (
        <pre className="stack" aria-label="Stack">
          {detail.stack}
        </pre>
      )}
      {isWaiting ? (
        <div className="row">
          <label className="field">
            <span className="label">Reason, for the record; to discard it, one is needed</span>
            <input name="reason" value={reason} onChange={(event) => setReason(event.target.value)} />
          </label>
          <TypedConfirm word="retry" label="Retry" onConfirm={() => order(id, 'retry', reason.trim())} />
          <TypedConfirm word="discard" label="Discard" disabled={!saysWhy(reason)} onConfirm={() => order(id, 'discard', reason.trim())} />
        </div>
      ) : null}
    </details>
  );
}

export function ParkedHead({ parked: { state, consumer, eventType, code, held } }: { readonly parked: ParkedSummary }) {
  return (
    <span className="head">
      <strong>{eventType === '' ? 'unreadable' : eventType}</strong>
      <span className="pill warn">{state === 'parked' ? code : state}</span>
      <span className="label">
        {consumer === '*' ? 'nobody can read it' : consumer}
        {held === 0 ? '' : `, ${held.toLocaleString('en')} wait behind it`}
      </span>
    </span>
  );
}

/** Its place, its time, and the events: the one that is parked, and those that tell of the parking. */
export function ParkedAbout({ parked: { id, topic, partition, offset, eventId, attempts, parkedAt, stateNote } }: { readonly parked: ParkedSummary }) {
  const place = `${topic}/${partition}/${offset}`;
  return (
    <p className="label">
      {place}, tried {attempts} {attempts === 1 ? 'time' : 'times'}
      {parkedAt === null ? '' : `, parked ${formatMoment(parkedAt)}`}
      {stateNote === null || stateNote === '' ? '' : `, ${stateNote}`}
      {eventId === '' ? null : (
        <>
          {' · '}
          <a className="events-link" href={routeOf({}, eventId)}>
            the event
          </a>
        </>
      )}
      {' · '}
      <OriginLink origin={{ search: { subject: place } }} about={id} />
    </p>
  );
}

function Behind({ detail: { key, tenant, waiting, held } }: { readonly detail: ParkedDetail }) {
  if (key === null) return null;
  return (
    <>
      <p className="label">
        key {key} of {tenant === null ? 'every tenant' : `the tenant ${tenant}`}
        {waiting.length === 0 ? '' : `; behind it ${waiting.length < held ? `the first ${waiting.length} of ${held} ` : ''}wait:`}
      </p>
      {waiting.length === 0 ? null : (
        <ul className="label">
          {waiting.map(({ offset, eventType }) => (
            <li key={offset}>
              {offset} {eventType}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
