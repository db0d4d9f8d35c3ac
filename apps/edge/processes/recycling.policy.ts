import type { ProcessSettings } from './processes.config.ts';

/** A process as it is seen from outside. */
export interface ProcessSeen {
  readonly serving: boolean;
  readonly ageMs: number;
  /** Undefined where nobody can tell. */
  readonly residentBytes: number | undefined;
}

/**
 * Which process should be replaced now, and why: one at a time, and only while all others serve. Processes that were started
 * together reach their age together, so that the limit is the later the higher the place.
 */
export function dueForReplacement(
  processes: readonly ProcessSeen[],
  { ageMsMax, residentBytesMax }: ProcessSettings,
): { readonly at: number; readonly why: string } | undefined {
  if (!processes.every(({ serving }) => serving)) return undefined;
  for (const [at, { ageMs, residentBytes }] of processes.entries()) {
    if (residentBytesMax !== undefined && residentBytes !== undefined && residentBytes > residentBytesMax)
      return { at, why: `it takes ${Math.round(residentBytes / 1_048_576)} MB` };
    if (ageMsMax !== undefined && ageMs > ageMsMax * (1 + at / (10 * processes.length))) return { at, why: `it is ${(ageMs / 3_600_000).toFixed(1)} h old` };
  }
  return undefined;
}
