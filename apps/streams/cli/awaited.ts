import { pause } from '#runtime';
import { PlainFailure } from '../streams.errors.ts';

export interface Waiting {
  /** Between two looks, ms. */
  readonly pollMs: number;
  /** When nothing has changed for so long, ms, nobody works on it, and nobody waits. */
  readonly stillMs: number;
  /** What is said then. */
  readonly stands: string;
  /** What it waits for, as far as that can be told; a projector when left out, or undefined. */
  readonly goesOnOnce?: () => Promise<string | undefined>;
}

/**
 * Looks until what is seen is as it is waited for. It may take as long as it takes, while something moves.
 * @throws PlainFailure when nothing does, and whatever `isDone` throws
 */
export async function awaited<View>(
  { goesOnOnce, pollMs, stands, stillMs }: Waiting,
  look: () => Promise<View>,
  isDone: (view: View) => boolean,
): Promise<View> {
  let [seen, movedAt] = ['', performance.now()];
  for (;;) {
    const view = await look();
    if (isDone(view)) return view;
    const text = JSON.stringify(view);
    if (text !== seen) [seen, movedAt] = [text, performance.now()];
    if (performance.now() - movedAt > stillMs) {
      const once = (await goesOnOnce?.()) ?? 'a projector works on it';
      throw new PlainFailure(`${stands}, and nothing has moved for ${stillMs / 1000} s. It goes on once ${once}; nobody waits for it here any more.`);
    }
    await pause(pollMs);
  }
}
