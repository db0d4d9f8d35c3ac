import { useCallback, useMemo, useState } from 'react';
import type { Api } from '../model/api.ts';
import { newestAndLive } from '../model/stream-state.ts';
import { usePolling } from '../polling.tsx';
import { EventResults } from '../view/event-results.tsx';
import { Waiting } from '../view/problem.tsx';
import { PurgeList } from '../view/purge-list.tsx';
import { Stage } from '../view/stage.tsx';
import { PastStreams } from '../view/stream-list.tsx';
import { shownOf } from './live-page.tsx';

/** What never changes any more is asked for seldom; what the platform still has to fold, once it has. */
const periodMs = 10_000;

/** The live page as it stood at a moment: nothing can be done to it, and its picture plays. */
export function PastPage({ api, asOf }: { readonly api: Api; readonly asOf: string }) {
  const [picked, setPicked] = useState<string>();
  const streams = usePolling(
    useCallback((signal) => newestAndLive(api, signal, asOf), [api, asOf]),
    periodMs,
  );
  const before = useMemo(() => ({ until: asOf }), [asOf]);
  const items = streams.value?.items;
  const stream = shownOf(items ?? [], picked);
  return (
    <main className="deck" data-testid="past">
      <div className="column">
        <Stage api={api} stream={stream} loading={items === undefined && streams.error === undefined} asOf={asOf} />
        {items === undefined ? (
          <section className="panel" aria-label="Streams">
            <Waiting polled={streams} />
          </section>
        ) : (
          <PastStreams items={items} selected={stream?.id} asOf={asOf} onPick={setPicked} />
        )}
      </div>
      <div className="column browser">
        <PurgeList api={api} asOf={asOf} />
        <EventResults
          api={api}
          search={before}
          selected={undefined}
          onPick={(id) => void (location.hash = `#/events/search?${new URLSearchParams({ ...before, event: id })}`)}
        />
      </div>
    </main>
  );
}
