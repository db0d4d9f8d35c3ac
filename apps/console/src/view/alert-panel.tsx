import { alertName, type AlertView, type StreamHealth } from '../model/stream-health.ts';
import { formatAge } from '../model/format.ts';

/** What is wrong now, and what was. */
export function AlertPanel({ health, live }: { readonly health: StreamHealth | undefined; readonly live: boolean }) {
  const open = (health?.alerts ?? []).filter(({ state }) => state === 'open');
  const over = (health?.alerts ?? []).filter(({ state }) => state === 'over');
  return (
    <section className={open.length > 0 ? 'panel alerts open' : 'panel alerts'} aria-label="Alerts" data-testid="alerts">
      <header>
        <h2>Alerts</h2>
        {health === undefined ? null : (
          <span className={open.length > 0 ? 'pill bad' : live ? 'pill good' : 'pill'}>
            {open.length > 0 ? `${open.length} open` : live ? 'all well' : 'not live'}
          </span>
        )}
      </header>
      <ul>
        {open.map((alert) => (
          <Entry key={alert.alert} alert={alert} />
        ))}
        {over.map((alert) => (
          <Entry key={alert.alert} alert={alert} />
        ))}
      </ul>
      {health !== undefined && open.length + over.length === 0 ? <p className="empty">Nothing was ever wrong.</p> : null}
    </section>
  );
}

function sinceText(time: string): string {
  return formatAge(Date.now() - Date.parse(time));
}

function Entry({ alert: { alert, state, detail, since, lastedMs, at } }: { readonly alert: AlertView }) {
  const ago = sinceText(state === 'open' ? (since ?? at) : at);
  return (
    <li className={state} data-testid="alert" data-state={state}>
      <strong>{alertName(alert)}</strong>
      <span>{state === 'open' ? detail : `lasted ${lastedMs === null ? '–' : formatAge(lastedMs)}`}</span>
      <time dateTime={since ?? at}>{state === 'open' ? `for ${ago}` : `${ago} ago`}</time>
    </li>
  );
}
