import { useCallback, useMemo, useState } from 'react';
import { Api, ApiError } from './model/api.ts';
import { newestAndLive } from './model/stream-state.ts';
import type { CdnHealth, FeedEvent } from './model/types.ts';
import { usePolling } from './polling.tsx';
import { useSession } from './session.tsx';
import { EdgePanel } from './view/edge-panel.tsx';
import { EventTape } from './view/event-tape.tsx';
import { Masthead } from './view/masthead.tsx';
import { ProjectionPanel } from './view/projection-panel.tsx';
import { SignIn } from './view/sign-in.tsx';
import { Stage } from './view/stage.tsx';
import { StreamList } from './view/stream-list.tsx';

export function App() {
  const session = useSession();
  return session.key === '' ? (
    <SignIn onKey={session.signIn} />
  ) : (
    <Console key={session.key} apiKey={session.key} onSignOut={session.signOut} onKey={session.signIn} />
  );
}

interface ConsoleProps {
  readonly apiKey: string;
  onKey(key: string): void;
  onSignOut(): void;
}

function Console({ apiKey, onSignOut, onKey }: ConsoleProps) {
  const api = useMemo(() => new Api(apiKey), [apiKey]);
  const [picked, setPicked] = useState<string>();
  const streams = usePolling(
    useCallback((signal) => newestAndLive(api, signal), [api]),
    4000,
  );
  const health = usePolling(
    useCallback((signal) => api.get<CdnHealth>('/api/v1/cdn/health', signal), [api]),
    2000,
  );

  const refreshStreams = streams.refresh;
  const onEvent = useCallback(
    (event: FeedEvent) => {
      if (event.type.startsWith('stream.')) refreshStreams();
    },
    [refreshStreams],
  );

  if (streams.error instanceof ApiError && streams.error.status === 401) {
    return <SignIn onKey={onKey} problem="This key is not, or no longer, valid." />;
  }
  const items = streams.value?.items ?? [];
  const stream = items.find((item) => item.id === picked) ?? items.find((item) => item.status === 'live') ?? items[0];
  return (
    <div className="shell">
      <Masthead
        health={health.value}
        live={items.filter((item) => item.status === 'live').length}
        offline={streams.error !== undefined}
        onSignOut={onSignOut}
      />
      <main className="deck">
        <div className="column">
          <Stage stream={stream} loading={streams.value === undefined} />
          <StreamList api={api} items={items} selected={stream?.id} onPick={setPicked} onChange={refreshStreams} />
        </div>
        <div className="column">
          <EventTape api={api} onEvent={onEvent} />
          <EdgePanel api={api} health={health.value} suggestion={stream === undefined ? '' : `/live/${stream.id}/master.m3u8`} />
          <ProjectionPanel api={api} />
        </div>
      </main>
    </div>
  );
}
