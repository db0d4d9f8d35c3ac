import { useCallback, useEffect, useRef, useState } from 'react';
import { NoAnswer } from './model/api.ts';

/** After this the page says that nothing comes; what was asked may still be answered. */
const lateMs = 4000;
/** A connection that has died without a word is given up. */
const lostMs = 60_000;

export interface Polled<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
  /** Asks again now. */
  refresh(): void;
}

/** Asks every `periodMs`, never twice at once, and not while the page is hidden. */
export function usePolling<T>(ask: (signal: AbortSignal) => Promise<T>, periodMs: number): Polled<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<Error>();
  const kick = useRef<() => void>(() => {});
  const refresh = useCallback(() => kick.current(), []);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let late: ReturnType<typeof setTimeout> | undefined;
    let busy = false;
    const round = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      clearTimeout(timer);
      late = setTimeout(() => setError(new NoAnswer()), lateMs);
      const lost = new AbortController();
      const giveUp = setTimeout(() => lost.abort(), lostMs);
      try {
        if (!document.hidden) {
          setValue(await ask(AbortSignal.any([abort.signal, lost.signal])));
          setError(undefined);
        }
      } catch (failure) {
        if (lost.signal.aborted) setError(new NoAnswer(failure));
        else if (!abort.signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
      }
      clearTimeout(late);
      clearTimeout(giveUp);
      busy = false;
      if (!abort.signal.aborted) timer = setTimeout(() => void round(), periodMs);
    };
    kick.current = () => void round();
    const onVisible = (): void => kick.current();
    document.addEventListener('visibilitychange', onVisible);
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearTimeout(late);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [ask, periodMs]);
  return { value, error, refresh };
}
