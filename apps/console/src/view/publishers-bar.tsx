import { saysWhy } from '#kernel';
import { useCallback, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { PublisherView, StreamDetail } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Stale } from './problem.tsx';

/** Who publishes a live stream, which of two is seen, and the way to the other. */
export function PublishersBar({ api, streamId }: { readonly api: Api; readonly streamId: string }) {
  const { value, error } = usePolling(
    useCallback((signal) => api.get<StreamDetail>(`/api/v1/streams/${streamId}`, signal), [api, streamId]),
    2000,
  );
  if (value === undefined) return <Problem text={error?.message} />;
  const { publishers, failover } = value;
  const waiting = publishers.find(({ active }) => !active);
  if (waiting === undefined && failover.lastReason === null) return null;
  return (
    <div className="recording" data-testid="publishers">
      {publishers.map((one) => (
        <span key={one.sessionId} className="label" data-testid={`publisher-${one.endpoint}`}>
          {one.endpoint}: {one.active ? 'on air' : 'in waiting'}
        </span>
      ))}
      {failover.lastReason === null ? null : <span className="label">last change: {failover.lastReason}</span>}
      {waiting === undefined ? null : <SwitchForm api={api} streamId={streamId} to={waiting.endpoint} />}
      <Stale polled={{ value, error }} />
      <EventsLink subject={`${streamId}/failover`} />
    </div>
  );
}

interface SwitchFormProps {
  readonly api: Api;
  readonly streamId: string;
  readonly to: PublisherView['endpoint'];
}

function SwitchForm({ api, streamId, to }: SwitchFormProps) {
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string>();
  const go = async (): Promise<void> => {
    try {
      await api.post('/api/v1/stream/switch', { id: streamId, to, reason: reason.trim() });
      setReason('');
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <input aria-label="Reason for the change" placeholder="Reason" maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
      <button type="button" className="btn small" disabled={!saysWhy(reason)} onClick={() => void go()}>
        Go over to the {to}
      </button>
      <Problem text={problem} />
    </>
  );
}
