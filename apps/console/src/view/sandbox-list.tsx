import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { shareDone, type Sandbox } from '../model/sandbox.ts';
import { formatMoment } from '../model/time.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';
import { SandboxForm } from './sandbox-form.tsx';

/** Every sandbox that there is, and a form for the next. */
export function SandboxList({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly Sandbox[] }>('/api/v1/sandboxes', signal), [api]),
    1500,
  );
  const items = polled.value?.items ?? [];
  return (
    <>
      <section className="panel" aria-label="Sandboxes">
        <header>
          <h2>Sandboxes</h2>
        </header>
        <Waiting polled={polled} />
        {polled.value !== undefined && items.length === 0 ? (
          <p className="empty">There is no sandbox. One builds read models of a part of the log, to look at: readers do not see it, and nothing is set off.</p>
        ) : null}
        {items.map((sandbox) => (
          <SandboxRow key={sandbox.id} sandbox={sandbox} />
        ))}
      </section>
      {polled.value === undefined ? null : <SandboxForm api={api} onCreated={polled.refresh} />}
    </>
  );
}

function SandboxRow({ sandbox }: { readonly sandbox: Sandbox }) {
  const { name, projections, from, until, createdBy, reason } = sandbox;
  return (
    <div className="node" data-testid={`sandbox-${name}`}>
      <div className="head">
        <strong>
          <a href={`#/sandboxes/${name}`}>{name}</a>
        </strong>
        <SandboxPill sandbox={sandbox} />
        <span className="label">
          {projections.length} read {projections.length === 1 ? 'model' : 'models'} of{' '}
          {from === null ? 'everything' : `what was recorded from ${formatMoment(from)}`} until {formatMoment(until)} · {createdBy ?? '–'}
          {reason === '' ? '' : ` · ${reason}`} · <EventsLink subject={`sandbox:${name}`} />
        </span>
      </div>
    </div>
  );
}

const pills: Readonly<Partial<Record<Sandbox['status'], string>>> = { ready: 'pill good', building: 'pill live', failed: 'pill bad' };

export function SandboxPill({ sandbox }: { readonly sandbox: Sandbox }) {
  const share = sandbox.status === 'building' ? ` ${Math.floor(shareDone(sandbox) * 100)} %` : '';
  return (
    <span className={pills[sandbox.status] ?? 'pill warn'}>
      {sandbox.status}
      {share}
    </span>
  );
}
