import { routeOf } from '../model/review.ts';

/** From a row of a read model to the events that made it. */
export function EventsLink({ subject }: { readonly subject: string }) {
  return (
    <a className="events-link" href={routeOf({ subject })}>
      events
    </a>
  );
}
