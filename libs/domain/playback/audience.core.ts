/** As much of a playback as its quality is told by. */
export interface PlaybackFigures {
  readonly startupMs: number | undefined;
  readonly playedMs: number;
  readonly stalls: number;
  readonly stalledMs: number;
  readonly rendition: string | undefined;
  readonly hasEnded: boolean;
}

/** Who watches, and how well they see it. */
export interface Audience {
  /** Playbacks that have not ended. */
  readonly viewers: number;
  readonly playbacks: number;
  /** Half of the playbacks began within this time, 19 of 20 within the other, ms; null when none said. */
  readonly startupMs: { readonly median: number; readonly p95: number } | null;
  /** Share of the time in front of the picture that it stood still, 0 to 1; null before anything was played. */
  readonly stalledShare: number | null;
  /** Per hour of play. */
  readonly stallsPerHour: number | null;
  /** Viewers by what they see. */
  readonly renditions: Readonly<Record<string, number>>;
}

const hourMs = 3_600_000;

/** The value that a share of the values does not exceed (nearest rank). */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export function audienceOf(playbacks: readonly PlaybackFigures[]): Audience {
  const sum = (of: (one: PlaybackFigures) => number): number => playbacks.reduce((total, one) => total + of(one), 0);
  const startups = playbacks.flatMap(({ startupMs }) => (startupMs === undefined ? [] : [startupMs])).sort((a, b) => a - b);
  const [played, stalled] = [sum(({ playedMs }) => playedMs), sum(({ stalledMs }) => stalledMs)];
  const watching = playbacks.filter(({ hasEnded }) => !hasEnded);
  const renditions: Record<string, number> = {};
  for (const { rendition } of watching) if (rendition !== undefined) renditions[rendition] = (renditions[rendition] ?? 0) + 1;
  return {
    viewers: watching.length,
    playbacks: playbacks.length,
    startupMs: startups.length === 0 ? null : { median: quantile(startups, 0.5), p95: quantile(startups, 0.95) },
    stalledShare: played + stalled === 0 ? null : stalled / (played + stalled),
    stallsPerHour: played === 0 ? null : sum(({ stalls }) => stalls) / (played / hourMs),
    renditions,
  };
}
