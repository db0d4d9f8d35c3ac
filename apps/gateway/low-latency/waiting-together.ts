import type { Playlist } from '../origin/playlist-reader.ts';
import { liveViewDefaults } from './live-views.ts';

export type LivePlaylist =
  | Playlist
  /** Asked for what nobody can know of yet. */
  | { readonly kind: 'too-far' }
  /** It did not come in time, or too many wait. */
  | { readonly kind: 'late' | 'full' };

/** Who comes so much later than the first waits with those who come later, ms: nobody is sent away much before the time. */
export const togetherMs = 250;

interface Group {
  readonly beganAt: number;
  readonly answers: Array<(playlist: LivePlaylist | undefined) => void>;
  readonly over: Promise<LivePlaylist | undefined>;
}

/**
 * Requests for the same playlist that wait at the same time: one waits and has it rendered, and then all of them are answered,
 * one after the other. Each on its own, a thousand would go through every step of an answer before the first of them has one.
 */
export class WaitingTogether {
  readonly #groups = new Map<string, Group>();
  readonly #sizeMax: number;
  #size = 0;

  constructor(sizeMax: number = liveViewDefaults.waitersMax) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Resolves with what `ask` of the first of them brings, after all were answered; rejects with what it fails with.
   * @param key what is asked for: whoever says the same gets the same
   * @param answer must not throw
   */
  join(key: string, ask: () => Promise<LivePlaylist | undefined> | undefined, answer: Group['answers'][number]): Promise<LivePlaylist | undefined> {
    if (this.#size >= this.#sizeMax) return Promise.resolve({ kind: 'full' });
    this.#size += 1;
    const known = this.#groups.get(key);
    if (known !== undefined && performance.now() - known.beganAt < togetherMs) {
      known.answers.push(answer);
      return known.over;
    }
    const answers = [answer];
    const over = this.#serve(key, ask, answers);
    this.#groups.set(key, { beganAt: performance.now(), answers, over });
    return over;
  }

  async #serve(key: string, ask: () => Promise<LivePlaylist | undefined> | undefined, answers: Group['answers']): Promise<LivePlaylist | undefined> {
    try {
      const playlist = await ask();
      for (const answer of answers) answer(playlist);
      return playlist;
    } finally {
      this.#size -= answers.length;
      if (this.#groups.get(key)?.answers === answers) this.#groups.delete(key);
    }
  }
}
