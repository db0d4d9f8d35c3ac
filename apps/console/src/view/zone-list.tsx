import { useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { draftOf, originsOf, purgersOf, type Zone, type ZoneDraft } from '../model/zones.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Waiting } from './problem.tsx';
import { TypedConfirm } from './typed-confirm.tsx';
import { ZoneEditor } from './zone-editor.tsx';
import { ZoneVersions } from './zone-versions.tsx';

const base = '/api/v1/cdn/zones';

/** The sites behind the edges: put one there, change it, bring a version back, take it away. */
export function ZoneList({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly Zone[] }>(base, signal), [api]),
    3000,
  );
  const { problem, act } = useAction(polled.refresh);
  const [edited, setEdited] = useState<ZoneDraft>();
  const [done, setDone] = useState(0);
  const items = polled.value?.items;
  return (
    <>
      <section className="panel" aria-label="Sites">
        <header>
          <h2>Sites</h2>
        </header>
        <Waiting polled={polled} />
        <Problem text={problem} />
        {items?.length === 0 ? <p className="empty">No site is behind the edges yet: they serve this platform’s own media.</p> : null}
        {items?.map((zone) => (
          <ZoneRow
            key={zone.id}
            api={api}
            zone={zone}
            onEdit={() => setEdited(draftOf(zone))}
            onRollBack={(version) => void act(() => api.post(`${base}/${zone.name}/rollback`, { version, reason: 'console' }))}
            onRemove={() => void act(() => api.delete(`${base}/${zone.name}?reason=console`))}
          />
        ))}
      </section>
      <ZoneEditor
        key={`${edited?.name ?? ''} ${edited?.etag ?? ''} ${done}`}
        api={api}
        edited={edited}
        onDone={() => {
          setEdited(undefined);
          setDone(done + 1);
          polled.refresh();
        }}
      />
    </>
  );
}

interface ZoneRowProps {
  readonly api: Api;
  readonly zone: Zone;
  onEdit(): void;
  onRollBack(version: number): void;
  onRemove(): void;
}

function ZoneRow({ api, onEdit, onRemove, onRollBack, zone }: ZoneRowProps) {
  const { configuration, id, name, shieldUrl, tenant, version } = zone;
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="node" data-testid={`zone-${name}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="head">
          <strong>{name}</strong>
          <span className="pill">version {version}</span>
          <span className="label">{configuration.hosts.join(', ')}</span>
        </span>
      </summary>
      <p className="label">
        {originsOf(configuration)} · {configuration.rules?.length ?? 0} rules · tenant {tenant}
        {shieldUrl === null ? '' : ` · shield ${shieldUrl}`}
        {purgersOf(configuration) === '' ? '' : ` · ${purgersOf(configuration)}`} · <EventsLink subject={id} />
      </p>
      <div className="row">
        <button type="button" className="btn small" onClick={onEdit}>
          Change
        </button>
        <TypedConfirm word="remove" label="Remove" onConfirm={onRemove} />
      </div>
      {isOpen ? <ZoneVersions api={api} path={`${base}/${name}`} serving={version} onRollBack={onRollBack} /> : null}
    </details>
  );
}
