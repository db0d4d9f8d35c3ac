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

/** In the place of what is being asked for, or cannot be had. */
export function Waiting({ polled: { value, error } }: { readonly polled: Pick<Polled<unknown>, 'value' | 'error'> }) {
  if (value !== undefined) return null;
  return (
    <p className="empty" role="status">
      {error?.message ?? 'Asking …'}
    </p>
  );
}
