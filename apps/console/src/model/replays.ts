import type { Replay } from './types.ts';

const waiting: ReadonlySet<Replay['status']> = new Set(['requested', 'running', 'paused', 'ready', 'promoting', 'rolling-back']);

/** The newest of one read model, shown whatever they are. */
const newestMax = 4;

/** Whether a build waits for somebody to let readers see it, or to give it up. */
export function waitsForOperator({ status, mode }: Pick<Replay, 'status' | 'mode'>): boolean {
  return mode === 'rebuild' && status === 'ready';
}

/**
 * Which replays of one read model stand there, in the order in which they come, the newest first: the one that serves, the one
 * that a roll-back brings back, those that are not over yet, the newest rebuild however it went, and the newest of all.
 */
export function standingReplays(replays: readonly Replay[], kept: number): readonly Replay[] {
  const known = [...new Map(replays.map((one) => [one.id, one])).values()];
  const before = kept > 0 ? known.find(({ status, serves }) => status === 'promoted' && !serves) : undefined;
  const rebuild = known.find(({ mode }) => mode === 'rebuild');
  const newest = new Set(known.slice(0, newestMax));
  return known.filter((one) => one.serves || one === before || one === rebuild || waiting.has(one.status) || newest.has(one));
}
