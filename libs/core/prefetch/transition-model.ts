/** Everybody, wherever they are and whatever they ask with. */
export const everybody = '';

/** Who asks: the region of the edge, and the class of the program. */
export function audienceOf(region: string, agent: string): string {
  return `${region}/${agent}`;
}

export interface Likely {
  readonly path: string;
  /** Share of those who asked for the one that then asked for this, above 0 up to 1. */
  readonly share: number;
}

/** What is asked for after a path; by audience, with everybody for those of whom nothing special is known. */
export type TransitionRows = ReadonlyMap<string, ReadonlyMap<string, readonly Likely[]>>;

/** What people ask for after what, learned from what they asked for. */
export interface TransitionModel {
  readonly trainedAtMs: number;
  readonly rows: TransitionRows;
}

/** Bounds of a model, whoever made it. */
export const modelLimits = {
  bytesMax: 1_048_576,
  pathsMax: 20_000,
  pathLengthMax: 1024,
  audiencesMax: 256,
  followersMax: 64,
  transitionsMax: 200_000,
} as const;

/** What will probably be asked for next; the most likely first. A special audience's row counts alone, even when it is empty. */
export function likelyAfter({ rows }: TransitionModel, audience: string, path: string): readonly Likely[] {
  return rows.get(audience)?.get(path) ?? rows.get(everybody)?.get(path) ?? [];
}

export function transitionsIn({ rows }: TransitionModel): number {
  let sum = 0;
  for (const row of rows.values()) for (const likely of row.values()) sum += likely.length;
  return sum;
}
