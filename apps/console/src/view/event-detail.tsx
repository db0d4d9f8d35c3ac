import { saysWhy } from '#kernel';
import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { Api } from '../model/api.ts';
import { judgeProof, type EventProof } from '../model/ledger.ts';
import {
  fetchCurl,
  maskedAttributes,
  personalStand,
  publishCurl,
  publishRefusal,
  sideBySide,
  type DiffLine,
  type EventDetail,
  type Search,
} from '../model/review.ts';
import { CausationView } from './causation-view.tsx';

interface EventDetailProps {
  readonly api: Api;
  readonly id: string;
  onPick(id: string): void;
  onSearch(search: Search): void;
  onClose(): void;
}

/** One event: what it says, how it is stored and read, what led to it and what came of it. */
export function EventDetailPanel({ api, id, onPick, onSearch, onClose }: EventDetailProps) {
  const { detail, problem, reveal } = useDetail(api, id);
  const heading = useRef<HTMLHeadingElement>(null);
  // It was opened by somebody, who goes on from here.
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className="panel detail" aria-label="Event">
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {detail?.event.type ?? 'Event'}
        </h2>
        <span className="gap" />
        <button type="button" className="btn small" onClick={onClose}>
          Close
        </button>
      </header>
      {problem === undefined ? null : (
        <p className="note error" role="alert">
          {problem}
        </p>
      )}
      {detail === undefined ? null : (
        <>
          {detail.meaning === null ? null : <p className="note">{detail.meaning}</p>}
          <Attributes detail={detail} onPick={onPick} onSearch={onSearch} />
          <Copies api={api} detail={detail} />
          <Personal detail={detail} onReveal={reveal} />
          <DataView detail={detail} />
          <CausationView api={api} id={id} onPick={onPick} />
        </>
      )}
    </section>
  );
}

function useDetail(api: Api, id: string): { detail: EventDetail | undefined; problem: string | undefined; reveal(reason: string): void } {
  const [detail, setDetail] = useState<EventDetail>();
  const [problem, setProblem] = useState<string>();
  const load = useCallback(
    async (query: string, signal?: AbortSignal): Promise<void> => {
      try {
        setDetail(await api.get<EventDetail>(`/api/v1/events/${encodeURIComponent(id)}${query}`, signal));
        setProblem(undefined);
      } catch (failure) {
        if (signal?.aborted !== true) setProblem(failure instanceof Error ? failure.message : String(failure));
      }
    },
    [api, id],
  );
  useEffect(() => {
    const abort = new AbortController();
    void load('', abort.signal);
    return () => abort.abort();
  }, [load]);
  return { detail, problem, reveal: (reason) => void load(`?${new URLSearchParams({ reveal: reason })}`) };
}

function Attributes({ detail, onPick, onSearch }: { readonly detail: EventDetail } & Pick<EventDetailProps, 'onPick' | 'onSearch'>) {
  const { data: _data, ...attributes } = detail.event;
  const { subject, correlationid, causationid, actor } = detail.event;
  const links: Readonly<Record<string, (() => void) | undefined>> = {
    subject: () => onSearch({ subject }),
    actor: actor.includes('***') ? undefined : () => onSearch({ actor }),
    correlationid: correlationid === undefined ? undefined : () => onSearch({ correlationId: correlationid }),
    causationid: causationid === undefined || causationid === correlationid ? undefined : () => onPick(causationid),
  };
  return (
    <dl className="attributes">
      {Object.entries({ ...attributes, bytes: detail.bytes }).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {links[name] === undefined ? (
              String(value)
            ) : (
              <button type="button" className="link" onClick={links[name]}>
                {String(value)}
              </button>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Copies({ api, detail }: { readonly api: Api; readonly detail: EventDetail }) {
  const [said, setSaid] = useState<string>();
  const copy = async (what: string, text: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(`${what} is copied.`);
    } catch {
      setSaid(text);
    }
  };
  const prove = async (): Promise<void> => {
    try {
      const proof = await api.get<EventProof>(detail.proof);
      const { included, origin } = judgeProof(proof);
      setSaid(included ? `It is on the log as it was recorded, by the tree of ${origin}.` : 'The proof does not hold.');
    } catch (failure) {
      setSaid(failure instanceof Error ? failure.message : String(failure));
    }
  };
  const { event, may } = detail;
  const publish = (): void => {
    const refusal = publishRefusal(detail);
    if (refusal === undefined) void copy('The call', publishCurl(location.origin, event));
    else setSaid(refusal);
  };
  return (
    <>
      <div className="row">
        <button type="button" className="btn small" onClick={() => void copy('The call', fetchCurl(location.origin, event.id))}>
          Copy as curl
        </button>
        {may.publishAs === null ? null : (
          <button type="button" className="btn small" onClick={publish}>
            Copy as publish
          </button>
        )}
        <button type="button" className="btn small" onClick={() => void copy('The event', JSON.stringify(event, undefined, 2))}>
          Copy as JSON
        </button>
        {may.prove ? (
          <button type="button" className="btn small" onClick={() => void prove()}>
            Prove
          </button>
        ) : null}
      </div>
      {said === undefined ? null : (
        <p className="note" role="status">
          {said}
        </p>
      )}
    </>
  );
}

function Personal({ detail, onReveal }: { readonly detail: EventDetail; onReveal(reason: string): void }) {
  const [reason, setReason] = useState('');
  const { masked: fields, erased } = personalStand(detail.event.data, detail.personal);
  const masked = [...maskedAttributes(detail.event), ...fields];
  const gone = erased.length === 0 ? '' : `Erased for good, nobody can show it any more: ${erased.join(', ')}. `;
  if (masked.length === 0) return gone === '' ? null : <p className="note">{gone}</p>;
  if (detail.revealed)
    return (
      <p className="note">
        {gone}Personal: {masked.join(', ')}. That it was shown to you is on record.
      </p>
    );
  if (!detail.may.reveal)
    return (
      <p className="note">
        {gone}Masked: {masked.join(', ')}. Keys with the scope admin can see it.
      </p>
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onReveal(reason.trim());
  };
  return (
    <form className="row" onSubmit={submit}>
      <label className="field">
        <span className="label">
          {gone}Masked: {masked.join(', ')}. To show it, say why: it is put on record.
        </span>
        <input name="reason" value={reason} onChange={({ target }) => setReason(target.value)} placeholder="ticket 4711" />
      </label>
      <button type="submit" className="btn small" disabled={!saysWhy(reason)}>
        Show
      </button>
    </form>
  );
}

function DataView({ detail: { event, data, storedVersion, version, schema, problem } }: { readonly detail: EventDetail }) {
  const isLifted = problem === null && storedVersion !== version;
  const sides = sideBySide(event.data, isLifted ? data : event.data);
  return (
    <div className="payload">
      {problem === null ? null : <p className="note error">It cannot be read: {problem}</p>}
      <div className={isLifted ? 'sides' : ''}>
        <Lines title={storedVersion === null ? 'As stored' : `As stored, version ${storedVersion}`} lines={sides.stored} tone="before" />
        {isLifted ? <Lines title={`As read today, version ${version}`} lines={sides.read} tone="after" /> : null}
      </div>
      {schema === null ? null : (
        <details>
          <summary className="label">JSON Schema of version {storedVersion}</summary>
          <pre>{JSON.stringify(schema, undefined, 2)}</pre>
        </details>
      )}
    </div>
  );
}

function Lines({ title, lines, tone }: { readonly title: string; readonly lines: readonly DiffLine[]; readonly tone: string }) {
  return (
    <figure>
      <figcaption className="label">{title}</figcaption>
      <pre>
        {lines.map(({ text, differs }, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- lines have no other name
          <span key={at} className={differs ? tone : undefined}>{`${text}\n`}</span>
        ))}
      </pre>
    </figure>
  );
}
