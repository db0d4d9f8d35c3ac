import { readdirSync, readFileSync } from 'node:fs';
import type { Part, Platform } from '../../test/constellation/platform.ts';

/** Parts that stay for the platform's life; encoders come and go with their streams. */
export const lastingParts = ['gateway', 'ingest', 'media', 'projector', 'edge'] as const satisfies readonly Part[];

export interface Sample {
  readonly minute: number;
  /** Resident memory, MB. */
  readonly rssMb: number;
  readonly descriptors: number;
}

/** What a part's first process holds now; undefined while it is not there. Linux only. */
export function sampleOf(platform: Platform, part: Part, minute: number): Sample | undefined {
  const [process] = platform.processes(part);
  if (process === undefined) return undefined;
  try {
    const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
    const kb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    return { minute, rssMb: kb / 1024, descriptors: readdirSync(`/proc/${process.pid}/fd`).length };
  } catch {
    return undefined;
  }
}

/** Slope of the line of least squares, per minute. */
export function slopeOf(points: ReadonlyArray<readonly [minute: number, value: number]>): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([minute]) => minute)), mean(points.map(([, value]) => value))];
  const spread = points.reduce((sum, [minute]) => sum + (minute - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [minute, value]) => sum + (minute - x) * (value - y), 0) / spread;
}
