import type { StreamStatus } from '../model/types.ts';

const labels: Record<StreamStatus, string> = { created: 'waiting', live: 'live', interrupted: 'interrupted', stopped: 'recording' };

export function StatusPill({ status }: { readonly status: StreamStatus }) {
  return <span className={`pill ${status}`}>{labels[status]}</span>;
}
