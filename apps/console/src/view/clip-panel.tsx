import { type FormEvent, useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { formatBytes, formatSpan } from '../model/format.ts';
import { hasPicture } from '../model/stream-state.ts';
import type { Clip } from '../model/stream-health.ts';
import type { StreamDetail } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { Problem, Waiting } from './problem.tsx';

const lengths = [15, 30, 60, 300] as const;
const here = (url: string): string => new URL(url).pathname;

interface ClipPanelProps {
  readonly api: Api;
  readonly stream: StreamDetail;
  onChange(): void;
}

/** Pieces of the stream as files of their own: the last seconds by one button, and those that there are. */
export function ClipPanel({ api, stream, onChange }: ClipPanelProps) {
  const clips = usePolling(
    useCallback((signal) => api.get<{ items: readonly Clip[] }>(`/api/v1/streams/${stream.id}/clips`, signal), [api, stream.id]),
    4000,
  );
  const { problem, act } = useAction(onChange);
  const cut = async (name: string, seconds: number): Promise<void> => {
    const end = stream.status === 'live' ? Date.now() : Date.parse(stream.stoppedAt ?? '');
    const body = { name, from: new Date(end - seconds * 1000).toISOString(), until: new Date(end).toISOString() };
    if (await act(() => api.post(`/api/v1/stream/${stream.id}/clip`, body))) clips.refresh();
  };
  return (
    <section className="panel clips" aria-label="Clips" data-testid="clips">
      <header>
        <h2>Clips</h2>
      </header>
      {hasPicture(stream) ? <CutForm live={stream.status === 'live'} onCut={cut} /> : null}
      <Problem text={problem} />
      <Waiting polled={clips} />
      {clips.value?.items.length === 0 ? <p className="empty">None yet. A clip is copied, not encoded anew.</p> : null}
      <ul>
        {(clips.value?.items ?? []).map((clip) => (
          <li key={clip.id} data-testid="clip" data-status={clip.status}>
            {clip.posterUrl === null ? <i className="poster" /> : <img src={here(clip.posterUrl)} alt="" />}
            <span>
              <strong>{clip.name}</strong>
              <small>{clipText(clip)}</small>
            </span>
            {clip.mp4Url === null ? null : (
              <a className="btn small" href={here(clip.mp4Url)} download={`${clip.name}.mp4`}>
                Download
              </a>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function clipText({ status, reason, durationMs, bytes }: Clip): string {
  if (status === 'requested') return 'is being made …';
  return status === 'failed' ? (reason ?? 'failed') : `${formatSpan(durationMs ?? 0)}, ${formatBytes(bytes ?? 0)}`;
}

function CutForm({ live, onCut }: { readonly live: boolean; onCut(name: string, seconds: number): Promise<void> }) {
  const [name, setName] = useState('');
  const [seconds, setSeconds] = useState<number>(lengths[1]);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    await onCut(name.trim(), seconds);
    setName('');
    setBusy(false);
  };
  return (
    <form className="row wrap" onSubmit={(event) => void submit(event)}>
      <label className="field">
        <span className="label">Clip of the {live ? 'last' : 'ending'}</span>
        <input placeholder="The goal" value={name} maxLength={200} onChange={(event) => setName(event.target.value)} aria-label="Name of the clip" />
      </label>
      <select className="btn" value={seconds} aria-label="Length" onChange={(event) => setSeconds(Number(event.target.value))}>
        {lengths.map((length) => (
          <option key={length} value={length}>
            {length < 60 ? `${length} s` : `${length / 60} min`}
          </option>
        ))}
      </select>
      <button type="submit" className="btn primary" disabled={busy || name.trim() === ''}>
        Cut
      </button>
    </form>
  );
}
