import { useCallback, useState } from 'react';
import type { Api } from '../model/api.ts';
import type { FeedEvent, StreamSummary } from '../model/types.ts';
import type { Polled } from '../polling.tsx';
import type { CdnHealth } from '../model/types.ts';
import { EdgePanel } from '../view/edge-panel.tsx';
import { EventTape } from '../view/event-tape.tsx';
import { PurgeList } from '../view/purge-list.tsx';
import { Stage } from '../view/stage.tsx';
import { StreamList } from '../view/stream-list.tsx';
import { WarmList } from '../view/warm-list.tsx';

export interface LivePageProps {
  readonly api: Api;
  /** Undefined until they are known. */
  readonly streams: readonly StreamSummary[] | undefined;
  readonly health: Pick<Polled<CdnHealth>, 'value' | 'error'>;
  refreshStreams(): void;
}

/** The one that is shown: what was picked, else what is on air, else the newest. */
export function shownOf(items: readonly StreamSummary[], picked: string | undefined): StreamSummary | undefined {
  return items.find((item) => item.id === picked) ?? items.find((item) => item.status === 'live') ?? items[0];
}

/** What is on air now: the picture, its events beside it, and the edges. */
export function LivePage({ api, streams, health, refreshStreams }: LivePageProps) {
  const [picked, setPicked] = useState<string>();
  const [pulse, setPulse] = useState(0);
  const onEvent = useCallback(
    (event: FeedEvent) => {
      if (event.type.startsWith('stream.')) refreshStreams();
      if (event.type.startsWith('purge.')) setPulse((before) => before + 1);
    },
    [refreshStreams],
  );
  const items = streams ?? [];
  const stream = shownOf(items, picked);
  return (
    <main className="deck">
      <div className="column">
        <Stage api={api} stream={stream} loading={streams === undefined} />
        <StreamList api={api} items={items} selected={stream?.id} onPick={setPicked} onChange={refreshStreams} />
      </div>
      <div className="column">
        <EventTape api={api} onEvent={onEvent} />
        <EdgePanel api={api} health={health} suggestion={stream === undefined ? '' : `/live/${stream.id}/master.m3u8`} />
        <PurgeList api={api} pulse={pulse} />
        <WarmList api={api} />
      </div>
    </main>
  );
}
