import { useCallback, useEffect, useRef, useState } from 'react';

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
    let busy = false;
    const round = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      clearTimeout(timer);
      try {
        if (!document.hidden) {
          setValue(await ask(abort.signal));
          setError(undefined);
        }
      } catch (failure) {
        if (!abort.signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
      }
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
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [ask, periodMs]);
  return { value, error, refresh };
}
