import { OperatingError } from '#kernel';
import type { EffectStore, JobQueue } from '#ports';

export interface EffectPorts {
  readonly effects: EffectStore;
  readonly jobs: JobQueue;
}

function closed(name: string): unknown {
  const refuse = (): never => {
    throw new OperatingError(`Nothing acts outside here: ${name} is closed in a replay.`, { code: 'EFFECTS_CLOSED', retryable: false });
  };
  // Whatever is asked of it is refused, methods that do not exist yet as well; only being awaited is no question.
  return new Proxy({}, { get: (_, member) => (member === 'then' ? undefined : refuse) });
}

/**
 * The same engines for a replay or a sandbox: with effect ports that throw. Replays run projections alone; should anybody
 * hand them something that acts, it fails here instead of acting a second time.
 */
export function withoutEffects<Engines extends object>(engines: Engines): Omit<Engines, keyof EffectPorts> & EffectPorts {
  return { ...engines, effects: closed('the ledger of effects') as EffectStore, jobs: closed('the queue of jobs') as JobQueue };
}
