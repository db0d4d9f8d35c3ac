import { useState, type FormEvent } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { contexts } from '../model/review.ts';
import { emptyWebhook, registrationOf, type WebhookDraft, type WebhookWithSecret } from '../model/webhooks.ts';
import { Problem } from './problem.tsx';

interface WebhookFormProps {
  readonly api: Api;
  onCreated(webhook: WebhookWithSecret): void;
}

/** Whom to tell, and of what. */
export function WebhookForm({ api, onCreated }: WebhookFormProps) {
  const [draft, setDraft] = useState<WebhookDraft>(emptyWebhook);
  const { problem, act } = useAction();
  const set = (name: keyof WebhookDraft, value: string): void => setDraft({ ...draft, [name]: value });
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (await act(async () => onCreated(await api.post<WebhookWithSecret>('/api/v1/webhooks', registrationOf(draft))))) setDraft(emptyWebhook);
  };
  const toggle = (name: string): void =>
    setDraft({ ...draft, contexts: draft.contexts.includes(name) ? draft.contexts.filter((one) => one !== name) : [...draft.contexts, name] });
  return (
    <section className="panel" aria-label="New webhook">
      <header>
        <h2>New webhook</h2>
      </header>
      <form className="search" onSubmit={(event) => void submit(event)}>
        <label className="field wide">
          <span className="label">URL that gets events by POST</span>
          <input name="url" type="url" value={draft.url} placeholder="https://billing.example/streams" onChange={({ target }) => set('url', target.value)} />
        </label>
        <label className="field">
          <span className="label">Description</span>
          <input name="description" value={draft.description} onChange={({ target }) => set('description', target.value)} />
        </label>
        <label className="field">
          <span className="label">Types, separated by commas</span>
          <input name="types" value={draft.types} placeholder="all" onChange={({ target }) => set('types', target.value)} spellCheck={false} />
        </label>
        <label className="field">
          <span className="label">About, and what is under it</span>
          <input name="subject" value={draft.subject} placeholder="anything" onChange={({ target }) => set('subject', target.value)} spellCheck={false} />
        </label>
        <div className="chips wide" role="group" aria-label="Contexts">
          {contexts.map((name) => (
            <button type="button" key={name} aria-pressed={draft.contexts.includes(name)} onClick={() => toggle(name)}>
              {name}
            </button>
          ))}
        </div>
        <Problem text={problem} />
        <div className="row wide">
          <button type="submit" className="btn primary" disabled={draft.url.trim() === ''}>
            Add
          </button>
        </div>
      </form>
    </section>
  );
}
