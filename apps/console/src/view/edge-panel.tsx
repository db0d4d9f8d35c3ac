import { type FormEvent, useCallback, useEffect, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { CdnHealth, PurgeView } from '../model/types.ts';
import type { Polled } from '../polling.tsx';
import { EdgeNode } from './edge-node.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Waiting } from './problem.tsx';

interface EdgePanelProps {
  readonly api: Api;
  readonly health: Pick<Polled<CdnHealth>, 'value' | 'error'>;
  /** Path put into the purge field. */
  readonly suggestion: string;
}

export function EdgePanel({ api, health, suggestion }: EdgePanelProps) {
  const edges = health.value?.edges ?? [];
  return (
    <section className="panel edge" aria-label="Edges">
      <header>
        <h2>Edges</h2>
      </header>
      <Waiting polled={health} />
      {health.value !== undefined && edges.length === 0 ? <p className="empty">No edge has registered yet.</p> : null}
      {edges.map((edge) => (
        <EdgeNode key={`${edge.id} ${edge.mirroredFrom}`} api={api} edge={edge} />
      ))}
      <PurgeForm
        api={api}
        suggestion={suggestion}
        edges={edges.filter(({ mirroredFrom, status }) => mirroredFrom === null && status !== 'removed' && status !== 'refused').length}
      />
    </section>
  );
}

function PurgeForm({ api, suggestion, edges }: { readonly api: Api; readonly suggestion: string; readonly edges: number }) {
  const [typed, setTyped] = useState<string>();
  const [purge, setPurge] = useState<{ id: string; view?: PurgeView }>();
  const [problem, setProblem] = useState<string>();
  const url = typed ?? suggestion;
  const follow = useCallback((id: string) => followPurge(api, id, (view) => setPurge({ id, view })), [api]);
  useEffect(() => (purge !== undefined && purge.view === undefined ? follow(purge.id) : undefined), [purge, follow]);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setProblem(undefined);
    try {
      const { purgeId } = await api.post<{ purgeId: string }>('/api/v1/cdn/cache/purge', { urls: [url], reason: 'console' });
      setPurge({ id: purgeId });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <form className="row" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span className="label">Purge a URL or path from every edge</span>
          <input value={url} onChange={(event) => setTyped(event.target.value)} spellCheck={false} />
        </label>
        <button type="submit" className="btn" disabled={url === ''} data-testid="purge">
          Purge
        </button>
      </form>
      <PurgeResult purge={purge} problem={problem} edges={edges} />
    </>
  );
}

function PurgeResult({
  purge,
  problem,
  edges,
}: {
  readonly purge: { id: string; view?: PurgeView } | undefined;
  readonly problem: string | undefined;
  readonly edges: number;
}) {
  if (problem !== undefined) return <Problem text={problem} />;
  if (purge === undefined) return null;
  const applied = (purge.view?.applied ?? []).filter(({ mirroredFrom }) => mirroredFrom === null);
  const slowest = Math.max(0, ...applied.map((one) => one.delayMs));
  return (
    <p className="note" role="status" data-testid="purge-result">
      {applied.length} of {Math.max(edges, applied.length)} edges{applied.length > 0 ? `, slowest after ${slowest} ms` : ' so far'} ·{' '}
      <EventsLink subject={purge.id} />
    </p>
  );
}

/** Asks for a purge's state until an edge has answered or the patience ends; returns how to stop. */
function followPurge(api: Api, id: string, onView: (view: PurgeView) => void): () => void {
  let rounds = 40;
  let timer: ReturnType<typeof setTimeout>;
  const round = async (): Promise<void> => {
    const view = await api.get<PurgeView>(`/api/v1/cdn/purges/${encodeURIComponent(id)}`).catch(() => undefined);
    if (view?.applied.some(({ mirroredFrom }) => mirroredFrom === null)) onView(view);
    else if (rounds-- > 0) timer = setTimeout(() => void round(), 250);
  };
  timer = setTimeout(() => void round(), 100);
  return () => clearTimeout(timer);
}
