import { isAway } from '../model/api.ts';
import type { Polled } from '../polling.tsx';

/** Why something did not go, told at once to those who cannot see it. */
export function Problem({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p className="note error" role="alert">
      {text}
    </p>
  );
}

/** Beside what is shown while nobody answers: it is how it was. */
export function Stale({ polled: { value, error } }: { readonly polled: Pick<Polled<unknown>, 'value' | 'error'> }) {
  if (value === undefined || error === undefined) return null;
  return (
    <span className="pill bad" role="status">
      {isAway(error) ? 'no answer; this is how it was' : error.message}
    </span>
  );
}

/** In the place of what is being asked for, or cannot be had; above what was had before, while it cannot be asked for anew. */
export function Waiting({ polled: { value, error } }: { readonly polled: Pick<Polled<unknown>, 'value' | 'error'> }) {
  if (value !== undefined) return <Stale polled={{ value, error }} />;
  return (
    <p className="empty" role="status">
      {error?.message ?? 'Asking …'}
    </p>
  );
}
