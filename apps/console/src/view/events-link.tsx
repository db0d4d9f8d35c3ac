import { routeOf } from '../model/review.ts';
import type { RowOrigin } from '../model/rows.ts';

/** From a row of a read model to the events that made it. */
export function EventsLink({ subject }: { readonly subject: string }) {
  return <OriginLink origin={{ search: { subject } }} about={subject} />;
}

/** The same, for a row that is told by more than its subject. */
export function OriginLink({ origin, about }: { readonly origin: RowOrigin | undefined; readonly about: string }) {
  if (origin === undefined) return null;
  return (
    <a className="events-link" href={routeOf(origin.search, origin.event)} aria-label={`events of ${about}`}>
      events
    </a>
  );
}
