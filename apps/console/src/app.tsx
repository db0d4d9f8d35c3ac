import { useCallback, useMemo } from 'react';
import { Api, ApiError, isAway } from './model/api.ts';
import { asOfOf } from './model/as-of.ts';
import { newestAndLive } from './model/stream-state.ts';
import type { CdnHealth } from './model/types.ts';
import { Navigation, pageOf } from './page/pages.tsx';
import { useRoute } from './route.tsx';
import { usePolling } from './polling.tsx';
import { useSession } from './session.tsx';
import { AsOfBar } from './view/as-of-bar.tsx';
import { Masthead } from './view/masthead.tsx';
import { SignIn } from './view/sign-in.tsx';

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
  const route = useRoute();
  const page = pageOf(route);
  const asOf = page.hasPast === true ? asOfOf(route) : undefined;
  const streams = usePolling(
    useCallback((signal) => newestAndLive(api, signal), [api]),
    4000,
  );
  const health = usePolling(
    useCallback((signal) => api.get<CdnHealth>('/api/v1/cdn/health', signal), [api]),
    2000,
  );
  if (streams.error instanceof ApiError && streams.error.status === 401) {
    return <SignIn onKey={onKey} problem="This key is not, or no longer, valid." />;
  }
  const items = streams.value?.items;
  return (
    <div className="shell">
      <Masthead
        health={health.value}
        live={items?.filter((item) => item.status === 'live').length}
        offline={isAway(streams.error) || isAway(health.error)}
        onSignOut={onSignOut}
      />
      <Navigation current={page} asOf={asOf} />
      {page.hasPast === true ? <AsOfBar key={`moment ${asOf}`} route={route} asOf={asOf} /> : null}
      {page.render({ api, asOf, streams: items, health, refreshStreams: streams.refresh })}
    </div>
  );
}
