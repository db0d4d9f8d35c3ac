import { useCallback, useEffect, useState } from 'react';
import { gatewayEvents, isAway } from './model/api.ts';

export interface Action {
  /** Why the last one did not go. */
  readonly problem: string | undefined;
  /** @param name what it is called in the reason why it did not go @returns whether it went */
  act(action: () => Promise<unknown>, name?: string): Promise<boolean>;
}

interface Failed {
  readonly text: string;
  /** Nobody answered; over when somebody does. */
  readonly away: boolean;
}

export function reasonOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

/** Does what somebody asks for, and keeps the reason when it fails; that nobody answered, until somebody does. */
export function useAction(onDone: () => void = nothing): Action {
  const [failed, setFailed] = useState<Failed>();
  const act = useCallback(
    async (action: () => Promise<unknown>, name?: string): Promise<boolean> => {
      setFailed(undefined);
      try {
        await action();
        onDone();
        return true;
      } catch (failure) {
        const away = isAway(failure);
        const reason = away ? 'It did not go: the platform does not answer.' : reasonOf(failure);
        setFailed({ text: name === undefined ? reason : `${name}: ${reason}`, away });
        return false;
      }
    },
    [onDone],
  );
  const away = failed?.away === true;
  useEffect(() => {
    if (!away) return undefined;
    const onAnswered = (): void => setFailed(undefined);
    gatewayEvents.addEventListener('answered', onAnswered);
    return () => gatewayEvents.removeEventListener('answered', onAnswered);
  }, [away]);
  return { problem: failed?.text, act };
}

function nothing(): void {}
