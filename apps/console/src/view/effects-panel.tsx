import { useCallback } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { ageOf } from '../model/time.ts';
import type { Effect, Reactors } from '../model/webhooks.ts';
import { usePolling } from '../polling.tsx';
import { EffectRow } from './effect-row.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Waiting } from './problem.tsx';

interface Standing extends Reactors {
  /** What was given up: it waits for somebody. */
  readonly abandoned: readonly Effect[];
}

async function standing(api: Api, signal: AbortSignal): Promise<Standing> {
  const [reactors, abandoned] = await Promise.all([
    api.get<Reactors>('/api/v1/reactors', signal),
    api.get<{ items: readonly Effect[] }>('/api/v1/effects?state=abandoned&limit=20', signal),
  ]);
  return { ...reactors, abandoned: abandoned.items };
}

/** What else follows from events: who asks for it, what is still to be done, and what was given up. */
export function EffectsPanel({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => standing(api, signal), [api]),
    3000,
  );
  const { problem, act } = useAction(polled.refresh);
  const { items = [], backlog = [], abandoned = [] } = polled.value ?? {};
  return (
    <section className="panel" aria-label="Effects">
      <header>
        <h2>Effects</h2>
      </header>
      <Waiting polled={polled} />
      <Problem text={problem} />
      {items.map(({ name, version, lagEvents, trouble, movedAt, resets }) => (
        <div className="node" key={name} data-testid={`reactor-${name}`}>
          <div className="head">
            <strong>{name}</strong>
            <span className="pill good">version {version}</span>
            {trouble === null ? null : <span className="pill bad">stands still</span>}
            <span className="label">
              {lagEvents === 0 ? 'up to date' : `${lagEvents.toLocaleString('en')} events behind, moved ${ageOf(movedAt)} ago`}
              {resets === 0 ? '' : `, reset ${resets} times`} · <EventsLink subject={name} />
            </span>
          </div>
          {trouble === null ? null : <p className="note error">{trouble.message}</p>}
        </div>
      ))}
      {backlog.map(({ kind, pending, oldestAt }) => (
        <p className="note" key={kind}>
          {pending.toLocaleString('en')} of {kind} still to be done, the oldest for {ageOf(oldestAt)}.
        </p>
      ))}
      {polled.value !== undefined && abandoned.length === 0 ? <p className="empty">Nothing was given up.</p> : null}
      {abandoned.map((effect) => (
        <EffectRow
          key={effect.id}
          effect={{ ...effect, eventType: `${effect.kind} of ${effect.lane}` }}
          label="Perform it once more"
          onAgain={() => void act(() => api.post(`/api/v1/effects/${effect.id}/retry`, { reason: 'console' }))}
        />
      ))}
    </section>
  );
}
