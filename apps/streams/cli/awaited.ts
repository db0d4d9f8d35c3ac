import { pause } from '#runtime';
import { PlainFailure } from '../streams.errors.ts';

export interface Waiting {
  /** Between two looks, ms. */
  readonly pollMs: number;
  /** When nothing has changed for so long, ms, nobody works on it, and nobody waits. */
  readonly stillMs: number;
  /** What is said then. */
  readonly stands: string;
}

/**
 * Looks until what is seen is as it is waited for. It may take as long as it takes, while something moves.
 * @throws PlainFailure when nothing does, and whatever `isDone` throws
 */
export async function awaited<View>({ pollMs, stillMs, stands }: Waiting, look: () => Promise<View>, isDone: (view: View) => boolean): Promise<View> {
  let [seen, movedAt] = ['', performance.now()];
  for (;;) {
    const view = await look();
    if (isDone(view)) return view;
    const text = JSON.stringify(view);
    if (text !== seen) [seen, movedAt] = [text, performance.now()];
    if (performance.now() - movedAt > stillMs)
      throw new PlainFailure(
        `${stands}, and nothing has moved for ${stillMs / 1000} s. It goes on once a projector works on it; nobody waits for it here any more.`,
      );
    await pause(pollMs);
  }
}
