import { stateOf } from '../model/stream-state.ts';
import type { StreamSummary } from '../model/types.ts';

export function StatusPill({ stream }: { readonly stream: Pick<StreamSummary, 'status' | 'durationMs'> }) {
  return <span className={`pill ${stream.status}`}>{stateOf(stream)}</span>;
}
