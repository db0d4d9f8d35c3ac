/** Why something is fetched before it is asked for. */
export const wishSources = ['manifest', 'parts', 'cmcd', 'model'] as const;
export type WishSource = (typeof wishSources)[number];

/** Something that will probably be asked for. */
export interface Wish {
  /** Of the cache. */
  readonly key: string;
  /** `bytes=…`; undefined for the whole. */
  readonly range: string | undefined;
  readonly source: WishSource;
  /** Whose budget it is. */
  readonly zone: string;
}
