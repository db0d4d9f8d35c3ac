import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { queryOf } from '../model/as-of.ts';
import type { ReadTable } from '../model/rows.ts';
import { usePolling } from '../polling.tsx';
import { useRoute } from '../route.tsx';
import { ParkedPanel, PastParked } from '../view/parked-panel.tsx';
import { Waiting } from '../view/problem.tsx';
import { ProjectionPanel } from '../view/projection-panel.tsx';
import { RowsPanel } from '../view/rows-panel.tsx';

interface ReadModelsPageProps {
  readonly api: Api;
  readonly asOf: string | undefined;
}

/** Tables come with a release. */
const oftenEnoughMs = 600_000;

/** What is kept of the log for readers: how far it is, what it could not take, and every row of it, also as it stood. */
export function ReadModelsPage({ api, asOf }: ReadModelsPageProps) {
  return (
    <main className="page">
      {asOf === undefined ? (
        <>
          <ProjectionPanel api={api} />
          <ParkedPanel api={api} />
        </>
      ) : (
        <PastParked api={api} asOf={asOf} />
      )}
      <Tables api={api} asOf={asOf} />
    </main>
  );
}

function Tables({ api, asOf }: ReadModelsPageProps) {
  const picked = useRoute().split(/[/?]/)[1];
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly ReadTable[] }>('/api/v1/read-models', signal), [api]),
    oftenEnoughMs,
  );
  const tables = polled.value?.items ?? [];
  const table = tables.find((one) => one.table === picked);
  return (
    <>
      <section className="panel" aria-label="Tables">
        <header>
          <h2>Rows</h2>
          <span className="label">{asOf === undefined ? 'as they are' : 'as they stood'}</span>
        </header>
        <Waiting polled={polled} />
        <nav className="chips tables" aria-label="Tables of read models">
          {tables.map((one) => (
            <a key={one.table} href={`#/read-models/${one.table}${queryOf(asOf)}`} aria-current={one === table ? 'true' : undefined} title={one.projection}>
              {one.table}
            </a>
          ))}
        </nav>
      </section>
      {table === undefined ? null : <RowsPanel key={table.table} api={api} table={table} path={`/api/v1/read-models/${table.table}/rows`} asOf={asOf} />}
    </>
  );
}
