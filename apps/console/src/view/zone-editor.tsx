import { useState, type FormEvent } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { configurationOf, emptyZone, type ZoneDraft } from '../model/zones.ts';
import { Problem } from './problem.tsx';

interface ZoneEditorProps {
  readonly api: Api;
  /** What is changed; a new site when undefined. */
  readonly edited: ZoneDraft | undefined;
  onDone(): void;
}

/** How a site is to be served, in JSON as the API and the command line take it. */
export function ZoneEditor({ api, edited, onDone }: ZoneEditorProps) {
  const [draft, setDraft] = useState<ZoneDraft>(edited ?? emptyZone);
  const { problem, act } = useAction();
  const isNew = draft.etag === undefined;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const condition = draft.etag === undefined ? { 'if-none-match': '*' } : { 'if-match': draft.etag };
    const path = `/api/v1/cdn/zones/${encodeURIComponent(draft.name)}`;
    if (await act(async () => api.put(path, { ...configurationOf(draft.text), reason: 'console' }, condition))) onDone();
  };
  return (
    <section className="panel" aria-label={isNew ? 'New site' : `Change ${draft.name}`}>
      <header>
        <h2>{isNew ? 'New site' : `Change ${draft.name}`}</h2>
      </header>
      <form className="search" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span className="label">Name</span>
          <input
            name="name"
            value={draft.name}
            disabled={!isNew}
            placeholder="shop"
            spellCheck={false}
            onChange={({ target }) => setDraft({ ...draft, name: target.value })}
          />
        </label>
        <label className="field wide">
          <span className="label">Hosts, origins, rules</span>
          <textarea
            name="configuration"
            rows={16}
            spellCheck={false}
            value={draft.text}
            onChange={({ target }) => setDraft({ ...draft, text: target.value })}
          />
        </label>
        <Problem text={problem} />
        <div className="row wide">
          <button type="submit" className="btn primary" disabled={draft.name.trim() === ''}>
            Serve
          </button>
          {isNew ? null : (
            <button type="button" className="btn" onClick={onDone}>
              Leave it
            </button>
          )}
        </div>
      </form>
    </section>
  );
}
