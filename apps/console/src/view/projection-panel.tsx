import { useCallback } from 'react';
import { useAction } from '../action.tsx';
import { useKeptOpen } from '../kept.tsx';
import type { Api } from '../model/api.ts';
import { standingReplays, waitsForOperator } from '../model/replays.ts';
import type { ProjectionSummary, Replay } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { Problem, Waiting } from './problem.tsx';
import { ReplayRow } from './replay-row.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface Standing {
  readonly projections: readonly ProjectionSummary[];
  /** The newest rebuilds of all read models. */
  readonly rebuilds: readonly Replay[];
}

const periodMs = 1500;
/** As many as the API gives at once. */
const replaysMax = '200';

async function replaysOf(api: Api, filter: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly Replay[]> {
  return (await api.get<{ items: readonly Replay[] }>(`/api/v1/replays?${new URLSearchParams(filter)}`, signal)).items;
}

async function standing(api: Api, signal: AbortSignal): Promise<Standing> {
  const [{ items }, rebuilds] = await Promise.all([
    api.get<{ items: readonly ProjectionSummary[] }>('/api/v1/projections', signal),
    replaysOf(api, { mode: 'rebuild', limit: replaysMax }, signal),
  ]);
  return { projections: items, rebuilds };
}

type Order = (name: string, path: string, body: object) => Promise<boolean>;

/** What is kept of the log for readers, how far it is behind, and how to build it anew. */
export function ProjectionPanel({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => standing(api, signal), [api]),
    periodMs,
  );
  const { problem, act } = useAction(polled.refresh);
  const order: Order = (name, path, body) => act(() => api.post(path, body), name);
  const { value, error } = polled;
  return (
    <section className="panel projections" aria-label="Read models">
      <header>
        <h2>Read models</h2>
      </header>
      <Waiting polled={polled} />
      <Problem text={problem} />
      {(value?.projections ?? []).map((projection) => (
        <ProjectionRow
          key={projection.name}
          api={api}
          projection={projection}
          isStale={error !== undefined}
          ready={value?.rebuilds.filter((one) => one.projection === projection.name && waitsForOperator(one)).length ?? 0}
          order={order}
        />
      ))}
    </section>
  );
}

interface ProjectionRowProps {
  readonly api: Api;
  readonly projection: ProjectionSummary;
  /** It is what was known before the platform stopped answering. */
  readonly isStale: boolean;
  /** Builds that wait for somebody to let readers see them. */
  readonly ready: number;
  readonly order: Order;
}

function ProjectionRow({ api, projection, isStale, ready, order }: ProjectionRowProps) {
  const { name, version, codeVersion, lagEvents, lagSeconds, eventsPerSecond, lastError, trouble, heldBack, kept } = projection;
  const isBehind = lagSeconds > 5 || version !== codeVersion;
  const { open, onToggle } = useKeptOpen(`projection-${name}`);
  const behind = lagEvents === 0 ? 'up to date' : `${lagEvents.toLocaleString('en')} events, ${lagSeconds.toFixed(1)} s behind`;
  return (
    <details className="node" data-testid={`projection-${name}`} open={open} onToggle={onToggle}>
      <summary className="head">
        <strong>{name}</strong>
        <span className={isStale ? 'pill' : isBehind ? 'pill warn' : 'pill good'}>version {version ?? '–'}</span>
        <span className="label">{isStale ? 'not known how far' : behind}</span>
        {eventsPerSecond === null || isStale ? null : <span className="label">{Math.round(eventsPerSecond).toLocaleString('en')} events/s</span>}
        {ready === 0 ? null : <span className="pill warn">{ready === 1 ? 'a build is ready' : `${ready} builds are ready`}</span>}
        {lastError === null ? null : <span className="pill bad">last error</span>}
        {trouble === null ? null : <span className="pill bad">stands still</span>}
        {heldBack === null ? null : <span className="pill bad">a build waits</span>}
      </summary>
      {version === codeVersion || heldBack?.version === codeVersion ? null : (
        <p className="note">The code has version {codeVersion}; it is built while this one serves.</p>
      )}
      {trouble === null ? null : <p className="note error">{trouble.message}</p>}
      {heldBack === null ? null : (
        <p className="note error">
          Version {heldBack.version} is built and waits: {heldBack.eventsGone.toLocaleString('en')} events from before it began are no longer on the log. What
          serves may stand still until the build is promoted, below.
        </p>
      )}
      {lastError === null ? null : (
        <p className="note error">
          {lastError.at === null ? '' : `${new Date(lastError.at).toLocaleString('en-GB')}, `}at {lastError.place}: {lastError.message}
        </p>
      )}
      {open ? <Replays api={api} name={name} kept={kept} order={order} /> : null}
    </details>
  );
}

/** Its newest replays of either kind, and among its rebuilds those that matter however old they are. */
async function replaysOfOne(api: Api, projection: string, signal: AbortSignal): Promise<readonly Replay[]> {
  const [newest, rebuilds] = await Promise.all([
    replaysOf(api, { projection, limit: '20' }, signal),
    replaysOf(api, { projection, mode: 'rebuild', limit: replaysMax }, signal),
  ]);
  return [...newest, ...rebuilds];
}

interface ReplaysProps extends Pick<ProjectionRowProps, 'api' | 'order'> {
  readonly name: string;
  readonly kept: number;
}

function Replays({ api, name, kept, order }: ReplaysProps) {
  const { value, refresh } = usePolling(
    useCallback((signal) => replaysOfOne(api, name, signal), [api, name]),
    periodMs,
  );
  const act = async (what: string, path: string, body: object): Promise<void> => {
    if (await order(`${what} ${name}`, path, body)) refresh();
  };
  return (
    <>
      <div className="row">
        <button
          type="button"
          className="btn small"
          onClick={() => void act('Compare', '/api/v1/replays', { projection: name, mode: 'comparison', reason: 'console' })}
        >
          Compare with the log
        </button>
        <TypedConfirm word={name} label="Rebuild" onConfirm={() => void act('Rebuild', '/api/v1/replays', { projection: name, reason: 'console' })} />
      </div>
      {standingReplays(value ?? [], kept).map((replay) => (
        <ReplayRow key={replay.id} api={api} replay={replay} canRollBack={kept > 0} act={act} />
      ))}
    </>
  );
}
