import { useCallback, useState, type FormEvent } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import type { ReadTable } from '../model/rows.ts';
import { emptyDraft, orderOf, type SandboxDraft } from '../model/sandbox.ts';
import { usePolling } from '../polling.tsx';
import { Problem } from './problem.tsx';
import { TimeField } from './time-field.tsx';

const oftenEnoughMs = 600_000;

/** What is asked of a new sandbox. */
export function SandboxForm({ api, onCreated }: { readonly api: Api; onCreated(): void }) {
  const [draft, setDraft] = useState<SandboxDraft>(emptyDraft);
  const { problem, act } = useAction(onCreated);
  const set = (name: keyof SandboxDraft, value: string): void => setDraft({ ...draft, [name]: value });
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (await act(() => api.post('/api/v1/sandboxes', orderOf(draft)))) setDraft(emptyDraft);
  };
  return (
    <section className="panel" aria-label="New sandbox">
      <header>
        <h2>New sandbox</h2>
      </header>
      <form className="search" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span className="label">Name</span>
          <input name="name" value={draft.name} placeholder="why-so-late" onChange={({ target }) => set('name', target.value)} spellCheck={false} />
        </label>
        <TimeField name="from" label="Recorded from" value={draft.from} onChange={(value) => set('from', value)} />
        <TimeField name="until" label="Recorded before" value={draft.until} onChange={(value) => set('until', value)} />
        <label className="field">
          <span className="label">Dropped by itself after hours</span>
          <input
            name="hours"
            type="number"
            min={1}
            max={8760}
            value={draft.expiresInHours}
            placeholder="as set"
            onChange={({ target }) => set('expiresInHours', target.value)}
          />
        </label>
        <label className="field wide">
          <span className="label">Reason, for the record</span>
          <input name="reason" value={draft.reason} onChange={({ target }) => set('reason', target.value)} />
        </label>
        <ProjectionChoice api={api} chosen={draft.projections} onChange={(projections) => setDraft({ ...draft, projections })} />
        <Problem text={problem} />
        <div className="row wide">
          <button type="submit" className="btn primary" disabled={draft.name.trim() === ''}>
            Create
          </button>
          <span className="label">Without times: everything until now. Without read models: all of them.</span>
        </div>
      </form>
    </section>
  );
}

interface ProjectionChoiceProps {
  readonly api: Api;
  readonly chosen: readonly string[];
  onChange(chosen: readonly string[]): void;
}

function ProjectionChoice({ api, chosen, onChange }: ProjectionChoiceProps) {
  const { value } = usePolling(
    useCallback((signal) => api.get<{ items: readonly ReadTable[] }>('/api/v1/read-models', signal), [api]),
    oftenEnoughMs,
  );
  const names = [...new Set(value?.items.map(({ projection }) => projection))];
  return (
    <div className="wide chips" role="group" aria-label="Read models">
      {names.map((name) => {
        const isChosen = chosen.includes(name);
        return (
          <button
            type="button"
            key={name}
            aria-pressed={isChosen}
            onClick={() => onChange(isChosen ? chosen.filter((one) => one !== name) : [...chosen, name])}
          >
            {name}
          </button>
        );
      })}
    </div>
  );
}
