import { type FormEvent, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { formatAge } from '../model/format.ts';
import { hasPicture } from '../model/stream-state.ts';
import type { CreatedStream, StreamSummary } from '../model/types.ts';
import { Copyable } from './copyable.tsx';
import { Problem } from './problem.tsx';
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
  const { problem, act } = useAction(onChange);
  const create = (name: string): Promise<boolean> => act(async () => setCreated(await api.post<CreatedStream>('/api/v1/stream/start', { name })));
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
      <Problem text={problem} />
      {created === undefined ? null : <Secret stream={created} onDone={() => setCreated(undefined)} />}
      {items.length === 0 ? <p className="empty">No streams yet.</p> : null}
      <ul>
        {items.map((item) => (
          <li className="stream" key={item.id}>
            <StreamPick item={item} isPicked={item.id === selected} onPick={onPick} />
            {item.status === 'stopped' ? (
              <span />
            ) : (
              <button type="button" className="btn small" aria-label={`Stop ${item.name}`} onClick={() => stop(item)}>
                Stop
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface PastStreamsProps extends Pick<StreamListProps, 'items' | 'selected' | 'onPick'> {
  readonly asOf: string;
}

/** The streams that there were at a moment: to look at, for nothing can be done to them any more. */
export function PastStreams({ items, selected, asOf, onPick }: PastStreamsProps) {
  return (
    <section className="panel streams" aria-label="Streams">
      <header>
        <h2>Streams</h2>
      </header>
      {items.length === 0 ? <p className="empty">There was no stream by then.</p> : null}
      <ul>
        {items.map((item) => (
          <li className="stream" key={item.id}>
            <StreamPick item={item} isPicked={item.id === selected} asOf={asOf} onPick={onPick} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface StreamPickProps {
  readonly item: StreamSummary;
  readonly isPicked: boolean;
  readonly asOf?: string;
  onPick(id: string): void;
}

function StreamPick({ item, isPicked, asOf, onPick }: StreamPickProps) {
  return (
    <button type="button" className="pick" aria-pressed={isPicked} onClick={() => onPick(item.id)}>
      <StatusPill stream={item} />
      <span className="what">
        <span className="name" title={item.name}>
          {item.name}
        </span>
        <span className="id">{item.id}</span>
      </span>
      <span className="when">{whenOf(item, asOf)}</span>
    </button>
  );
}

function whenOf(stream: StreamSummary, asOf: string | undefined): string {
  const nowMs = asOf === undefined ? Date.now() : Date.parse(asOf);
  const since = (time: string | null): string => formatAge(nowMs - Date.parse(time ?? stream.createdAt ?? ''));
  if (stream.status === 'live') return `${viewersText(stream.viewers)}for ${since(stream.startedAt)}`;
  return `${since(stream.stoppedAt ?? stream.startedAt)} ago`;
}

/** Nobody is not worth a word. */
function viewersText(viewers: number | null): string {
  if (viewers === null || viewers === 0) return '';
  return viewers === 1 ? '1 viewer, ' : `${viewers} viewers, `;
}

function NewStream({ onCreate }: { onCreate(name: string): Promise<boolean> }) {
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    if (await onCreate(name.trim())) setName('');
    setBusy(false);
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
