import { useState, type FormEvent } from 'react';
import { routeAsOf } from '../model/as-of.ts';
import { formatMoment, zoneOf } from '../model/time.ts';
import { TimeField } from './time-field.tsx';

interface AsOfBarProps {
  readonly route: string;
  readonly asOf: string | undefined;
}

const stepMs = 60_000;

/** Picks the moment that a page shows; while it is not now, it says so where nobody can miss it. */
export function AsOfBar({ route, asOf }: AsOfBarProps) {
  const [open, setOpen] = useState(false);
  const [draft, setDraft] = useState(asOf ?? '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (draft === '') return;
    setOpen(false);
    location.hash = routeAsOf(route, draft);
  };
  return (
    <div className={asOf === undefined ? 'as-of' : 'as-of past'}>
      {asOf === undefined ? null : <Banner route={route} asOf={asOf} />}
      {open ? (
        <form className="row" onSubmit={submit}>
          <TimeField name="asOf" label="As it stood at" value={draft} onChange={setDraft} />
          <button type="submit" className="btn small primary" disabled={draft === ''}>
            Look
          </button>
          <button type="button" className="btn small" onClick={() => setOpen(false)}>
            Leave it
          </button>
        </form>
      ) : (
        <button type="button" className="btn small" onClick={() => (setDraft(asOf ?? ''), setOpen(true))}>
          {asOf === undefined ? 'As it stood at…' : 'Another time…'}
        </button>
      )}
    </div>
  );
}

function Banner({ route, asOf }: { readonly route: string; readonly asOf: string }) {
  const shifted = (byMs: number): string => routeAsOf(route, new Date(Date.parse(asOf) + byMs).toISOString());
  return (
    <>
      <p role="status">
        <strong>As of {formatMoment(asOf)}</strong> <span className="label">({zoneOf(asOf)}): what the log had recorded by then, not what is.</span>
      </p>
      <a className="btn small" href={shifted(-stepMs)} aria-label="A minute earlier">
        − 1 min
      </a>
      <a className="btn small" href={shifted(stepMs)} aria-label="A minute later">
        + 1 min
      </a>
      <a className="btn small primary" href={routeAsOf(route, undefined)}>
        Back to now
      </a>
    </>
  );
}
