import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface Probed {
  /** What each answer took, ms. */
  readonly times: readonly number[];
  /** How late the client itself was at most, ms. */
  readonly ownLagMs: number;
  readonly failures: number;
}

export interface Probe {
  /** Forgets what was seen so far. */
  clear(): Promise<void>;
  /** What was seen since. */
  take(): Promise<Probed>;
  stop(): void;
}

/** A client of its own that asks once a millisecond. */
export async function startProbe(port: number, path: string): Promise<Probe> {
  const child = fork(new URL('./prober.main.js', import.meta.url), [String(port), path]);
  await once(child, 'message');
  const take = async (): Promise<Probed> => {
    const answer = once(child, 'message');
    child.send({});
    const [probed] = (await answer) as [Probed];
    return probed;
  };
  return { take, clear: async () => void (await take()), stop: () => child.disconnect() };
}
