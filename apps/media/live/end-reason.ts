import type { RunEnd } from '../run/encoder-run.ts';
import type { EndReason } from './encoding-facts.ts';

/** How a run ended; or that it was ended, because its source cannot be carried as it is. */
export type EndKind = RunEnd['kind'] | 'not-carried';

/** What else happens as a run ends. */
export interface EndingNow {
  readonly isShuttingDown: boolean;
  readonly isStopped: boolean;
  /** The other publisher takes over. */
  readonly isCut: boolean;
}

/** What `encoding.ended` tells of a run: why the process ends comes before what its encoder did meanwhile. */
export function endReasonOf(kind: EndKind, now: EndingNow): EndReason {
  if (now.isShuttingDown) return 'shutdown';
  if (kind === 'not-started') return 'failed-to-start';
  if (now.isStopped) return 'stopped';
  if (kind !== 'finished') return kind;
  return now.isCut ? 'switched' : 'source-ended';
}
