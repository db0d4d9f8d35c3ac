import { type FormEvent, useState } from 'react';
import type { Api } from '../model/api.ts';
import { formatAge } from '../model/format.ts';
import { hasPicture } from '../model/stream-state.ts';
import type { CreatedStream, StreamSummary } from '../model/types.ts';
import { StatusPill } from './status-pill.tsx';

interface StreamListProps {
  readonly api: Api;
  readonly items: readonly StreamSummary[];
  readonly selected: string | undefined;
  onPick(id: string): void;
  onChange(): void;
}

export function StreamList({ api, items, selected, onPick, onChange }: StreamListProps) {
  const [created, setCreated] = useState<CreatedStream>();
  const [problem, setProblem] = useState<string>();
  const act = async (action: () => Promise<void>): Promise<void> => {
    setProblem(undefined);
    try {
      await action();
      onChange();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const create = (name: string): Promise<void> => act(async () => setCreated(await api.post<CreatedStream>('/api/v1/stream/start', { name })));
  const stop = (stream: StreamSummary): void => {
    const left = hasPicture(stream) ? 'Its playlist becomes a recording, and nobody' : 'Nobody';
    if (confirm(`Stop “${stream.name}” for good? ${left} can publish to it again.`))
      void act(async () => void (await api.post('/api/v1/stream/stop', { id: stream.id })));
  };
  return (
    <section className="panel streams" aria-label="Streams">
      <header>
        <h2>Streams</h2>
      </header>
      <NewStream onCreate={create} />
      {problem === undefined ? null : (
        <p className="note error" role="alert">
          {problem}
        </p>
      )}
      {created === undefined ? null : <Secret stream={created} onDone={() => setCreated(undefined)} />}
      {items.length === 0 ? <p className="empty">No streams yet.</p> : null}
      <ul>
        {items.map((item) => (
          <li className="stream" key={item.id}>
            <button type="button" className="pick" aria-pressed={item.id === selected} onClick={() => onPick(item.id)}>
              <StatusPill stream={item} />
              <span className="what">
                <span className="name" title={item.name}>
                  {item.name}
                </span>
                <span className="id">{item.id}</span>
              </span>
              <span className="when">{whenOf(item)}</span>
            </button>
            {item.status === 'stopped' ? (
              <span />
            ) : (
              <button type="button" className="btn small" onClick={() => stop(item)}>
                Stop
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function whenOf(stream: StreamSummary): string {
  const since = (time: string | null): string => formatAge(Date.now() - Date.parse(time ?? stream.createdAt ?? ''));
  if (stream.status === 'live') return `for ${since(stream.startedAt)}`;
  return `${since(stream.stoppedAt ?? stream.startedAt)} ago`;
}

function NewStream({ onCreate }: { onCreate(name: string): Promise<void> }) {
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    await onCreate(name.trim());
    setBusy(false);
    setName('');
  };
  return (
    <form className="row" onSubmit={(event) => void submit(event)}>
      <label className="field">
        <span className="label">New stream</span>
        <input placeholder="Evening news" value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
      </label>
      <button type="submit" className="btn primary" disabled={busy || name.trim() === ''}>
        Create
      </button>
    </form>
  );
}

function Secret({ stream, onDone }: { readonly stream: CreatedStream; onDone(): void }) {
  return (
    <div className="secret" data-testid="secret">
      <p>
        <strong>{stream.name}</strong> is ready. The key is shown only now.
      </p>
      <Copyable label="Server" text={stream.ingest.primary} />
      <Copyable label="Backup server" text={stream.ingest.backup} />
      {stream.ingest.securePrimary !== null && <Copyable label="Encrypted server" text={stream.ingest.securePrimary} />}
      <Copyable label="Stream key" text={stream.streamKey} />
      <div>
        <button type="button" className="btn small" onClick={onDone}>
          I have stored the key
        </button>
      </div>
    </div>
  );
}

function Copyable({ label, text }: { readonly label: string; readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div>
      <span className="label">{label}</span>
      <div className="copyable">
        <code>{text}</code>
        {'clipboard' in navigator ? (
          <button type="button" className="btn small" onClick={() => void copy()}>
            {copied ? 'Copied' : 'Copy'}
          </button>
        ) : null}
      </div>
    </div>
  );
}
