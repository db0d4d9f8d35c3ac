import { useEffect, useMemo, useState } from 'react';
import type { Api } from '../model/api.ts';
import { gistOf } from '../model/format.ts';
import { type FeedState, followFeed } from '../model/live-feed.ts';
import { isOfEffect } from '../model/review.ts';
import type { SseMessage } from '#sdk/sse';
import type { FeedEvent } from '../model/types.ts';

/** More than a screenful to scroll back through, and bounded. */
const eventsMax = 400;
const families = ['all', 'stream', 'cache', 'edge', 'access'] as const;
type Family = (typeof families)[number];

/** The context of an event by the noun its type begins with; colours only. */
const familyOfNoun: Readonly<Record<string, Family>> = { stream: 'stream', encoding: 'stream', segment: 'stream', purge: 'cache', edge: 'edge', key: 'access' };

function familyOf(type: string): Family {
  return familyOfNoun[type.slice(0, type.indexOf('.'))] ?? 'all';
}

interface EventTapeProps {
  readonly api: Api;
  onEvent(event: FeedEvent): void;
}

export function EventTape({ api, onEvent }: EventTapeProps) {
  const [effects, setEffects] = useState(false);
  const { events, state, detail } = useFeed(api, effects, onEvent);
  const [family, setFamily] = useState<Family>('all');
  const [held, setHeld] = useState<readonly FeedEvent[]>();
  const shown = useMemo(() => (held ?? events).filter((event) => family === 'all' || familyOf(event.type) === family), [events, held, family]);
  return (
    <section className="panel feed" aria-label="Events">
      <header>
        <h2>Events</h2>
        <span className={state === 'live' ? 'pill good' : state === 'refused' ? 'pill bad' : 'pill warn'} title={detail}>
          {held !== undefined ? 'held' : state}
        </span>
        <span className="gap" />
        <button type="button" className="btn small" onClick={() => setHeld(held === undefined ? events : undefined)}>
          {held === undefined ? 'Hold' : 'Follow'}
        </button>
        <div className="chips" role="group" aria-label="Filter">
          {families.map((name) => (
            <button type="button" key={name} aria-pressed={family === name} onClick={() => setFamily(name)}>
              {name}
            </button>
          ))}
          <button type="button" aria-pressed={!effects} title="Deliveries of webhooks and other effects" onClick={() => setEffects(!effects)}>
            without effects
          </button>
        </div>
      </header>
      <div className="tape" data-testid="events">
        {shown.length === 0 ? (
          <p className="empty">{state === 'refused' ? detail : 'Events appear here as they happen.'}</p>
        ) : (
          shown.map((event) => <Entry key={event.id} event={event} />)
        )}
      </div>
    </section>
  );
}

function Entry({ event }: { readonly event: FeedEvent }) {
  return (
    <details>
      <summary>
        <time dateTime={event.time}>{clockOf(event.time)}</time>
        <i data-family={familyOf(event.type)} aria-hidden="true" />
        <span className="type">{event.type}</span>
        <span className="gist">{gistOf(event.data)}</span>
      </summary>
      <pre>{JSON.stringify(event, undefined, 2)}</pre>
    </details>
  );
}

function clockOf(time: string): string {
  const date = new Date(time);
  return `${date.toLocaleTimeString('en-GB')}.${Math.floor(date.getMilliseconds() / 100)}`;
}

/** The newest events; of effects only where they are asked for, so that they push nothing else out. */
function useFeed(api: Api, effects: boolean, onEvent: (event: FeedEvent) => void): { events: readonly FeedEvent[]; state: FeedState; detail: string } {
  const [events, setEvents] = useState<readonly FeedEvent[]>([]);
  const [status, setStatus] = useState<{ state: FeedState; detail: string }>({ state: 'connecting', detail: '' });
  useEffect(() => {
    const abort = new AbortController();
    setEvents([]);
    const onMessages = (messages: readonly SseMessage[]): void => {
      const fresh = messages.filter((message) => message.event === 'message').map((message) => JSON.parse(message.data) as FeedEvent);
      if (fresh.length === 0) return;
      fresh.forEach(onEvent);
      const shown = effects ? fresh : fresh.filter((event) => !isOfEffect(event));
      setEvents((before) => [...shown.reverse(), ...before].slice(0, eventsMax));
    };
    void followFeed(api, { path: '/api/v1/events/live?from=recent', onMessages, onState: (state, detail) => setStatus({ state, detail }) }, abort.signal);
    return () => abort.abort();
  }, [api, effects, onEvent]);
  return { events, ...status };
}
