import { useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import { ApiError, type Api } from '../model/api.ts';
import type { ReadTable } from '../model/rows.ts';
import { tablesOf, type Sandbox } from '../model/sandbox.ts';
import { formatMoment, zoneOf } from '../model/time.ts';
import type { ModelDifference } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { DifferenceView } from './difference-view.tsx';
import { Problem, Waiting } from './problem.tsx';
import { RowsPanel } from './rows-panel.tsx';
import { SandboxPill } from './sandbox-list.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface SandboxViewProps {
  readonly api: Api;
  readonly name: string;
  readonly picked: string | undefined;
}

interface Inside {
  readonly sandbox: Sandbox;
  readonly tables: readonly ReadTable[];
}

async function look(api: Api, name: string, signal: AbortSignal): Promise<Inside> {
  const [sandbox, { items }] = await Promise.all([
    api.get<Sandbox>(`/api/v1/sandboxes/${encodeURIComponent(name)}`, signal),
    api.get<{ items: readonly ReadTable[] }>('/api/v1/read-models', signal),
  ]);
  return { sandbox, tables: tablesOf(sandbox, items) };
}

/** One sandbox from the inside: how it was made, its read models, and how they differ from those that serve. */
export function SandboxView({ api, name, picked }: SandboxViewProps) {
  const polled = usePolling(
    useCallback((signal) => look(api, name, signal), [api, name]),
    1500,
  );
  const { problem, act } = useAction(polled.refresh);
  const { sandbox, tables } = polled.value ?? { sandbox: undefined, tables: [] };
  const table = tables.find((one) => one.table === picked) ?? tables[0];
  const isGone = sandbox !== undefined && polled.error instanceof ApiError && polled.error.status === 404;
  return (
    <>
      <section className="panel" aria-label={`Sandbox ${name}`}>
        <header>
          <a href="#/sandboxes">Sandboxes</a>
          <h2>{name}</h2>
          {sandbox === undefined || isGone ? null : <SandboxPill sandbox={sandbox} />}
          <span className="gap" />
        </header>
        {isGone ? null : <Waiting polled={polled} />}
        <Problem text={problem ?? (isGone ? polled.error?.message : undefined)} />
        {sandbox === undefined || isGone ? null : <About sandbox={sandbox} onDrop={() => void act(() => api.delete(`/api/v1/sandboxes/${name}`))} />}
      </section>
      {sandbox?.status === 'ready' && table !== undefined && !isGone ? (
        <>
          <nav className="chips" aria-label="Tables of the sandbox">
            {tables.map((one) => (
              <a key={one.table} href={`#/sandboxes/${name}/${one.table}`} aria-current={one.table === table.table ? 'true' : undefined}>
                {one.table}
              </a>
            ))}
          </nav>
          <RowsPanel key={table.table} api={api} table={table} path={`/api/v1/sandboxes/${name}/rows/${table.table}`} title={`${table.table} in ${name}`} />
          <Comparison key={table.projection} api={api} name={name} projection={table.projection} />
        </>
      ) : null}
    </>
  );
}

function About({ sandbox, onDrop }: { readonly sandbox: Sandbox; onDrop(): void }) {
  const { name, status, from, until, expiresAt, createdBy, reason, note, progress, eventsGone } = sandbox;
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['recorded from', from === null ? 'the beginning' : formatMoment(from)],
    ['recorded before', formatMoment(until)],
    ['dropped by itself', formatMoment(expiresAt)],
    ['zone', zoneOf(until)],
    ['made by', createdBy ?? '–'],
    ...(reason === '' ? [] : [['reason', reason] as const]),
  ];
  return (
    <>
      <dl className="facts">
        {facts.map(([what, value]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {note === null ? null : <p className={status === 'failed' ? 'note error' : 'note'}>{note}</p>}
      {eventsGone === null || eventsGone === 0 ? null : (
        <p className="note error">
          The log no longer holds {eventsGone.toLocaleString('en')} events from before it began: rows that only they told of are not in it, and differ as
          removed.
        </p>
      )}
      {status === 'building' ? progress.map((one) => <Build key={one.projection} {...one} />) : null}
      {status === 'dropping' ? (
        <p className="note">It is being removed.</p>
      ) : (
        <div className="row">
          <TypedConfirm word={name} label="Drop" onConfirm={onDrop} />
        </div>
      )}
    </>
  );
}

function Build({ projection, done, total, eventsPerSecond }: Sandbox['progress'][number]) {
  const share = total === 0 ? 1 : done / total;
  return (
    <div className="node">
      <span className="label">
        {projection}: {done.toLocaleString('en')} of {total.toLocaleString('en')} events, {Math.round(eventsPerSecond).toLocaleString('en')}/s
      </span>
      <div className="bar" role="progressbar" aria-label={projection} aria-valuenow={Math.floor(share * 100)}>
        <span style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

function Comparison({ api, name, projection }: { readonly api: Api; readonly name: string; readonly projection: string }) {
  const [difference, setDifference] = useState<ModelDifference>();
  const { problem, act } = useAction();
  const compare = (): Promise<boolean> =>
    act(async () => setDifference(await api.get<ModelDifference>(`/api/v1/sandboxes/${name}/differences?${new URLSearchParams({ projection })}`)));
  return (
    <section className="panel" aria-label="Comparison">
      <header>
        <h2>{projection} here, and as it serves</h2>
        <span className="gap" />
        <button type="button" className="btn small" onClick={() => void compare()}>
          Compare
        </button>
      </header>
      <Problem text={problem} />
      {difference === undefined ? (
        <p className="empty">Rows of the sandbox beside those that readers see now, by row and column.</p>
      ) : (
        <div className="node">
          <DifferenceView difference={difference} built="the sandbox" />
        </div>
      )}
    </section>
  );
}
