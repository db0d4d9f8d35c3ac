import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import type { StreamHealth } from '../model/stream-health.ts';
import type { StreamDetail, StreamSummary } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { useRoute } from '../route.tsx';
import { AlertPanel } from '../view/alert-panel.tsx';
import { ClipPanel } from '../view/clip-panel.tsx';
import { HealthPanel } from '../view/health-panel.tsx';
import { Stale, Waiting } from '../view/problem.tsx';
import { RenditionPanel } from '../view/rendition-panel.tsx';
import { Stage } from '../view/stage.tsx';
import { EmbedPanel } from '../view/embed-panel.tsx';
import { StreamTable } from '../view/stream-table.tsx';
import { StreamTimeline } from '../view/stream-timeline.tsx';
import '../stream-page.css';

interface StreamsPageProps {
  readonly api: Api;
  readonly streams: readonly StreamSummary[] | undefined;
  refreshStreams(): void;
}

/** `#/streams`: all of them; `#/streams/<id>`: everything about one. */
export function StreamsPage({ api, streams, refreshStreams }: StreamsPageProps) {
  const id = useRoute().split(/[/?]/)[1] ?? '';
  if (id === '') return <StreamTable streams={streams} />;
  return <OneStream key={id} api={api} id={id} onChange={refreshStreams} />;
}

function OneStream({ api, id, onChange }: { readonly api: Api; readonly id: string; onChange(): void }) {
  const detail = usePolling(
    useCallback((signal) => api.get<StreamDetail>(`/api/v1/streams/${encodeURIComponent(id)}`, signal), [api, id]),
    4000,
  );
  const health = usePolling(
    useCallback((signal) => api.get<StreamHealth>(`/api/v1/streams/${encodeURIComponent(id)}/health`, signal), [api, id]),
    4000,
  );
  const stream = detail.value;
  if (stream === undefined)
    return (
      <main className="page">
        <section className="panel">
          <Waiting polled={detail} />
        </section>
      </main>
    );
  return (
    <main className="deck" data-testid="stream-page">
      <div className="column">
        <Stale polled={detail} />
        <Stage api={api} stream={stream} loading={false} />
        <HealthPanel api={api} stream={stream} health={health.value} />
        <RenditionPanel stream={stream} />
      </div>
      <div className="column">
        <AlertPanel health={health.value} live={stream.status === 'live'} />
        <StreamTimeline api={api} streamId={id} />
        <ClipPanel api={api} stream={stream} onChange={onChange} />
        <EmbedPanel stream={stream} />
      </div>
    </main>
  );
}
