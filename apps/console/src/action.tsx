import { useCallback, useState } from 'react';

export interface Action {
  /** Why the last one did not go. */
  readonly problem: string | undefined;
  /** @returns whether it went */
  act(action: () => Promise<unknown>): Promise<boolean>;
}

export function reasonOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

/** Does what somebody asks for, and keeps the reason when it fails. */
export function useAction(onDone: () => void = nothing): Action {
  const [problem, setProblem] = useState<string>();
  const act = useCallback(
    async (action: () => Promise<unknown>): Promise<boolean> => {
      setProblem(undefined);
      try {
        await action();
        onDone();
        return true;
      } catch (failure) {
        setProblem(reasonOf(failure));
        return false;
      }
    },
    [onDone],
  );
  return { problem, act };
}

function nothing(): void {}
