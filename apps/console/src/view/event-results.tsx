import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import type { SseMessage } from '#sdk/sse';
import type { Api } from '../model/api.ts';
import { gistOf } from '../model/format.ts';
import { followFeed } from '../model/live-feed.ts';
import { asksForEffects, emptyRange, feedPathOf, isOfEffect, type FoundEvent, type Search, type SearchPage } from '../model/review.ts';
import { Problem } from './problem.tsx';

/** Found before the search rests and asks whether to go on. */
const enough = 50;
/** More than a screenful to scroll back through, and bounded. */
const shownMax = 2000;

interface EventResultsProps {
  readonly api: Api;
  readonly search: Search;
  readonly selected: string | undefined;
  onPick(id: string): void;
}

/** What was found, the newest first; a rare match is looked for page by page, until somebody has enough. */
export function EventResults({ api, search, selected, onPick }: EventResultsProps) {
  const { events, state, more, stop } = useSearch(api, search);
  const [live, setLive] = useState(false);
  const fresh = useTail(api, live ? feedPathOf(search) : undefined);
  const known = new Set(events.map(({ id }) => id));
  const all = [...fresh.filter(({ id }) => !known.has(id)), ...events];
  const [chosen, setEffects] = useState<boolean>();
  const effects = chosen ?? asksForEffects(search);
  const shown = effects ? all : all.filter((event) => !isOfEffect(event));
  const canFollow = feedPathOf(search) !== undefined;
  const list = useFocusBack(selected);
  return (
    <section className="panel" aria-label="Events">
      <header>
        <h2>Events</h2>
        <span className="label" role="status">
          {state.problem === undefined ? progressOf(shown.length, state) : ''}
        </span>
        <span className="gap" />
        <button
          type="button"
          className="btn small"
          aria-pressed={!effects}
          title="Deliveries of webhooks and other effects"
          onClick={() => setEffects(!effects)}
        >
          {effects ? 'Leave out effects' : `Without effects (${(all.length - shown.length).toLocaleString('en')})`}
        </button>
        <button
          type="button"
          className="btn small"
          aria-pressed={live}
          disabled={!canFollow}
          title={canFollow ? '' : 'The live feed has no filter for what is asked here.'}
          onClick={() => setLive(!live)}
        >
          {live ? 'Following' : 'Follow live'}
        </button>
        {state.busy ? (
          <button type="button" className="btn small" onClick={stop}>
            Stop
          </button>
        ) : null}
      </header>
      <Problem text={state.problem} />
      {state.hint === undefined ? null : <p className="note">{state.hint}</p>}
      <div className="found" data-testid="found" ref={list}>
        {shown.map((event) => (
          <button type="button" key={event.id} data-event={event.id} aria-pressed={event.id === selected} onClick={() => onPick(event.id)}>
            <time dateTime={event.recordedtime}>{clockOf(event.recordedtime)}</time>
            <span className="type">{event.type}</span>
            <span className="subject">{event.subject}</span>
            <span className="gist">{gistOf(event.data)}</span>
          </button>
        ))}
        {shown.length === 0 && !state.busy && state.problem === undefined ? <p className="empty">{emptyRange(search) ?? 'Nothing was found.'}</p> : null}
      </div>
      {state.cursor !== null && !state.busy ? (
        <div className="row">
          <button type="button" className="btn" onClick={more}>
            Look further back
          </button>
        </div>
      ) : null}
    </section>
  );
}

/** Who closes what was looked at is back where it was opened. */
function useFocusBack(selected: string | undefined): RefObject<HTMLDivElement | null> {
  const list = useRef<HTMLDivElement>(null);
  const before = useRef(selected);
  useEffect(() => {
    const closed = before.current;
    before.current = selected;
    if (selected === undefined && closed !== undefined) list.current?.querySelector<HTMLElement>(`[data-event="${CSS.escape(closed)}"]`)?.focus();
  }, [selected]);
  return list;
}

interface SearchState {
  readonly busy: boolean;
  /** Where to go on; null at the end. */
  readonly cursor: string | null;
  readonly searchedTo: string | null;
  readonly looked: number;
  readonly hint: string | undefined;
  readonly problem: string | undefined;
}

function progressOf(found: number, { busy, cursor, searchedTo, looked }: SearchState): string {
  const looks = looked > 0 ? `, ${looked.toLocaleString('en')} looked at` : '';
  const where = cursor === null ? (busy ? '' : ', that is all') : searchedTo === null ? '' : `, down to ${dayOf(searchedTo)}`;
  return `${found.toLocaleString('en')} found${looks}${where}${busy ? ' …' : ''}`;
}

const idle: SearchState = { busy: true, cursor: null, searchedTo: null, looked: 0, hint: undefined, problem: undefined };

function useSearch(api: Api, search: Search): { events: readonly FoundEvent[]; state: SearchState; more(): void; stop(): void } {
  const [events, setEvents] = useState<readonly FoundEvent[]>([]);
  const [state, setState] = useState<SearchState>(idle);
  const cursor = useRef<string | null>(null);
  const abort = useRef(new AbortController());
  const text = JSON.stringify(search);
  const look = useCallback(async (): Promise<void> => {
    const mine = new AbortController();
    abort.current = mine;
    const effects = asksForEffects(JSON.parse(text) as Search);
    setState((before) => ({ ...before, busy: true, problem: undefined }));
    try {
      for (let found = 0; found < enough && !mine.signal.aborted;) {
        const query = new URLSearchParams(JSON.parse(text) as Record<string, string>);
        if (cursor.current !== null) query.set('cursor', cursor.current);
        const page = await api.get<SearchPage>(`/api/v1/events/search?${query}`, mine.signal);
        found += page.items.filter((event) => effects || !isOfEffect(event)).length;
        cursor.current = page.nextCursor;
        setEvents((before) => [...before, ...page.items].slice(0, shownMax));
        setState((before) => ({ ...before, ...standOf(page, before.looked) }));
        if (page.nextCursor === null) break;
      }
    } catch (failure) {
      if (!mine.signal.aborted) setState((before) => ({ ...before, problem: failure instanceof Error ? failure.message : String(failure) }));
    }
    if (abort.current === mine) setState((before) => ({ ...before, busy: false }));
  }, [api, text]);
  const stop = useCallback(() => abort.current.abort(), []);
  useEffect(() => {
    void look();
    return stop;
  }, [look, stop]);
  return { events, state, more: () => void look(), stop };
}

function standOf({ nextCursor, searchedTo, looked, inapplicable }: SearchPage, before: number): Partial<SearchState> {
  const hint =
    inapplicable === null ? {} : { hint: `The expression does not apply to ${inapplicable.count} of the last ${looked} events: ${inapplicable.problem}.` };
  return { cursor: nextCursor, searchedTo, looked: before + looked, ...hint };
}

/** What comes while somebody follows, the newest first. */
function useTail(api: Api, path: string | undefined): readonly FoundEvent[] {
  const [fresh, setFresh] = useState<readonly FoundEvent[]>([]);
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    const onMessages = (messages: readonly SseMessage[]): void => {
      const events = messages.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data) as FoundEvent);
      if (events.length > 0) setFresh((before) => [...events.reverse(), ...before].slice(0, shownMax));
    };
    void followFeed(api, { path, onMessages, onState: () => undefined }, abort.signal);
    return () => abort.abort();
  }, [api, path]);
  return fresh;
}

function clockOf(time: string): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString('en-GB')
    : `${date.toLocaleDateString('en-GB', { day: '2-digit', month: 'short' })} ${date.toLocaleTimeString('en-GB')}`;
}

function dayOf(time: string): string {
  return new Date(time).toLocaleString('en-GB');
}
