import { edgeAudienceReported, edgeRegistered, edgeReported, type DomainEvent } from '#events';
import type { ColumnSpec, Counts, Projection, TableSpec } from '#kernel';

const counter: ColumnSpec = { type: 'json', join: 'counter' };

/**
 * One row per stream and region of edges: viewers that came and that left, as counters that only grow, by the process of each edge that counted them
 * (`<edge>/<incarnation>`). Viewers now are the difference (a PN-counter), over the processes that still speak.
 */
export const audienceTable: TableSpec = {
  name: 'audience',
  key: { stream_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    joined: counter,
    left_again: counter,
    /** When each process last said something about the stream, ms since the Unix epoch. */
    heard_at_ms: counter,
    newest_ms: { type: 'bigint', join: 'max' },
  },
};

/** How long the last word of an edge about a stream counts, ms; edges repeat theirs every third of it. */
export const audienceHeardMs = 45_000;

export interface AudienceCounts {
  /** The region of the edges; empty for this one. */
  readonly region: string;
  readonly joined: Counts;
  readonly left: Counts;
  readonly heardAtMs: Counts;
}

/** Who watches now, by edge, those of other regions as `<region>/<edge>`; edges that fell silent took their viewers along. */
export function viewersOf(
  audiences: readonly AudienceCounts[],
  nowMs: number,
): { readonly viewers: number; readonly byEdge: Readonly<Record<string, number>> } {
  const byEdge: Record<string, number> = {};
  for (const { region, joined, left, heardAtMs } of audiences) {
    for (const [origin, came] of Object.entries(joined)) {
      if (nowMs - (heardAtMs[origin] ?? 0) > audienceHeardMs) continue;
      const edge = `${region === '' ? '' : `${region}/`}${origin.slice(0, origin.lastIndexOf('/'))}`;
      byEdge[edge] = (byEdge[edge] ?? 0) + Math.max(0, came - (left[origin] ?? 0));
    }
  }
  return { viewers: Object.values(byEdge).reduce((sum, viewers) => sum + viewers, 0), byEdge };
}

/** Who watches what, as edges count it. */
export const audiencesProjection: Projection<DomainEvent> = {
  name: 'audiences',
  version: 2,
  contexts: ['edge'],
  handles: [edgeAudienceReported.type],
  ignores: [edgeRegistered.type, edgeReported.type],
  tables: [audienceTable],
  project: (event) => {
    if (event.type !== edgeAudienceReported.type) return [];
    const origin = `${event.data.edgeId}/${event.data.incarnation}`;
    return event.data.streams.map(({ streamId, joined, left }) => ({
      table: audienceTable.name,
      key: { stream_id: streamId, origin: event.origin ?? '' },
      set: { joined: { [origin]: joined }, left_again: { [origin]: left }, heard_at_ms: { [origin]: event.time }, newest_ms: BigInt(event.time) },
    }));
  },
};
