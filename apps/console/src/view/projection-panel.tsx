import { useCallback, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { ProjectionSummary, Replay } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { ReplayRow } from './replay-row.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface Standing {
  readonly projections: readonly ProjectionSummary[];
  readonly replays: readonly Replay[];
}

async function standing(api: Api, signal: AbortSignal): Promise<Standing> {
  const [projections, replays] = await Promise.all([
    api.get<{ items: readonly ProjectionSummary[] }>('/api/v1/projections', signal),
    api.get<{ items: readonly Replay[] }>('/api/v1/replays?limit=20', signal),
  ]);
  return { projections: projections.items, replays: replays.items };
}

/** What is kept of the log for readers, how far it is behind, and how to build it anew. */
export function ProjectionPanel({ api }: { readonly api: Api }) {
  const { value, error, refresh } = usePolling(
    useCallback((signal) => standing(api, signal), [api]),
    1500,
  );
  const [problem, setProblem] = useState<string>();
  const act = async (path: string, body: object): Promise<void> => {
    setProblem(undefined);
    try {
      await api.post(path, body);
      refresh();
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <section className="panel projections" aria-label="Read models">
      <header>
        <h2>Read models</h2>
      </header>
      {value !== undefined ? null : <p className="empty">{error?.message ?? 'Asking …'}</p>}
      {problem === undefined ? null : (
        <p className="note error" role="alert">
          {problem}
        </p>
      )}
      {(value?.projections ?? []).map((projection) => (
        <ProjectionRow
          key={projection.name}
          api={api}
          projection={projection}
          replays={value?.replays.filter((one) => one.projection === projection.name) ?? []}
          act={act}
        />
      ))}
    </section>
  );
}

interface ProjectionRowProps {
  readonly api: Api;
  readonly projection: ProjectionSummary;
  readonly replays: readonly Replay[];
  act(path: string, body: object): Promise<void>;
}

function ProjectionRow({ api, projection, replays, act }: ProjectionRowProps) {
  const { name, version, codeVersion, lagEvents, lagSeconds, eventsPerSecond, lastError } = projection;
  const isBehind = lagSeconds > 5 || version !== codeVersion;
  return (
    <details className="node" data-testid={`projection-${name}`}>
      <summary className="head">
        <strong>{name}</strong>
        <span className={isBehind ? 'pill warn' : 'pill good'}>version {version ?? '–'}</span>
        <span className="label">{lagEvents === 0 ? 'up to date' : `${lagEvents.toLocaleString('en')} events, ${lagSeconds.toFixed(1)} s behind`}</span>
        {eventsPerSecond === null ? null : <span className="label">{Math.round(eventsPerSecond).toLocaleString('en')} events/s</span>}
        {lastError === null ? null : <span className="pill bad">last error</span>}
      </summary>
      {version === codeVersion ? null : <p className="note">The code has version {codeVersion}; it is built while this one serves.</p>}
      {lastError === null ? null : (
        <p className="note error">
          {lastError.at === null ? '' : `${new Date(lastError.at).toLocaleString('en-GB')}, `}at {lastError.place}: {lastError.message}
        </p>
      )}
      <div className="row">
        <button type="button" className="btn small" onClick={() => void act('/api/v1/replays', { projection: name, mode: 'comparison', reason: 'console' })}>
          Compare with the log
        </button>
        <TypedConfirm word={name} label="Rebuild" onConfirm={() => void act('/api/v1/replays', { projection: name, reason: 'console' })} />
      </div>
      {replays.slice(0, 4).map((replay) => (
        <ReplayRow key={replay.id} api={api} replay={replay} canRollBack={projection.kept > 0} act={act} />
      ))}
    </details>
  );
}
