import type { Api } from '../model/api.ts';
import { routeOf, searchOf, type Search } from '../model/review.ts';
import { useRoute } from '../route.tsx';
import { EventDetailPanel } from '../view/event-detail.tsx';
import { EventResults } from '../view/event-results.tsx';
import { EventSearchForm } from '../view/event-search-form.tsx';

/** Every event there is: find it, look at it, see what caused it. What is looked for is in the address. */
export function EventsPage({ api }: { readonly api: Api }) {
  const { search, event } = searchOf(useRoute());
  const go = (next: Search, shown?: string): void => void (location.hash = routeOf(next, shown));
  return (
    <main className={event === undefined ? 'page' : 'page browser'}>
      <div className="column">
        <EventSearchForm key={JSON.stringify(search)} search={search} onSearch={(next) => go(next)} />
        <EventResults key={`results ${JSON.stringify(search)}`} api={api} search={search} selected={event} onPick={(id) => go(search, id)} />
      </div>
      {event === undefined ? null : (
        <EventDetailPanel key={event} api={api} id={event} onPick={(id) => go(search, id)} onSearch={(next) => go(next, event)} onClose={() => go(search)} />
      )}
    </main>
  );
}
