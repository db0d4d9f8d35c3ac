import type { RunEnd } from '../run/encoder-run.ts';
import type { EndReason } from './encoding-facts.ts';

/** What `encoding.ended` tells of a run: why the process ends comes before what its encoder did meanwhile. */
export function endReasonOf(kind: RunEnd['kind'], now: { readonly isShuttingDown: boolean; readonly isStopped: boolean }): EndReason {
  if (now.isShuttingDown) return 'shutdown';
  if (kind === 'not-started') return 'failed-to-start';
  if (now.isStopped) return 'stopped';
  return kind === 'finished' ? 'source-ended' : kind;
}
