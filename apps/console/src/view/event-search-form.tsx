import { type FormEvent, useState } from 'react';
import { contexts, searchFields, type Search, type SearchField } from '../model/review.ts';
import { TimeField } from './time-field.tsx';

interface EventSearchFormProps {
  readonly search: Search;
  onSearch(search: Search): void;
}

const fields: ReadonlyArray<{ readonly name: SearchField; readonly label: string; readonly hint: string }> = [
  { name: 'subject', label: 'Subject', hint: 'st-…, and what is under it' },
  { name: 'type', label: 'Types', hint: 'segment.produced, …' },
  { name: 'actor', label: 'Actor', hint: 'key:k-…, system:media' },
  { name: 'tenant', label: 'Tenant', hint: 'default' },
  { name: 'correlationId', label: 'Request or session', hint: 'its id' },
  { name: 'causationId', label: 'Caused by', hint: 'id of an event' },
];

/** What to look for. */
export function EventSearchForm({ search, onSearch }: EventSearchFormProps) {
  const [draft, setDraft] = useState<Search>(search);
  const set = (name: SearchField, value: string): void => setDraft({ ...draft, [name]: value });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSearch(Object.fromEntries(searchFields.flatMap((name) => (draft[name]?.trim() ? [[name, draft[name]?.trim()]] : []))) as Search);
  };
  return (
    <section className="panel" aria-label="Search">
      <form className="search" onSubmit={submit}>
        <label className="field wide">
          <span className="label">Where — an expression (CEL) over data and event</span>
          <input
            name="where"
            value={draft.where ?? ''}
            onChange={({ target }) => set('where', target.value)}
            placeholder="data.durationUs > 2000000 && event.subject.endsWith('/720p')"
            spellCheck={false}
          />
        </label>
        <label className="field">
          <span className="label">Context</span>
          <select className="btn" name="context" value={draft.context ?? ''} onChange={({ target }) => set('context', target.value)}>
            <option value="">all</option>
            {contexts.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {fields.map(({ name, label, hint }) => (
          <label className="field" key={name}>
            <span className="label">{label}</span>
            <input name={name} value={draft[name] ?? ''} onChange={({ target }) => set(name, target.value)} placeholder={hint} spellCheck={false} />
          </label>
        ))}
        <TimeField name="since" label="Recorded since" value={draft.since ?? ''} onChange={(value) => set('since', value)} />
        <TimeField name="until" label="Recorded before" value={draft.until ?? ''} onChange={(value) => set('until', value)} />
        <div className="row">
          <button type="submit" className="btn primary">
            Search
          </button>
          <button type="button" className="btn" onClick={() => onSearch({})}>
            Clear
          </button>
        </div>
      </form>
    </section>
  );
}
