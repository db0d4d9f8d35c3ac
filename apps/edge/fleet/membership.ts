import type { StandingBook } from './standing-book.ts';

/** unneeded: it has none; unproved: the gateway has not been reached yet; proved: the gateway knows it; refused: it does not, and why. */
export type KeyStanding = { readonly is: 'unneeded' | 'unproved' | 'proved' } | { readonly is: 'refused'; readonly why: string };

/** Whether this edge is one of ours, and takes clients: by what operators decided and what the gateway says of its key. */
export class Membership {
  readonly #book: StandingBook;
  #key: KeyStanding;
  readonly #listeners: Array<(outside: string | undefined) => void> = [];
  #told: string | undefined;

  constructor(book: StandingBook, hasKey: boolean) {
    this.#book = book;
    this.#key = { is: hasKey ? 'unproved' : 'unneeded' };
    book.onChange(() => this.#tell());
  }

  get key(): KeyStanding {
    return this.#key;
  }

  set key(key: KeyStanding) {
    this.#key = key;
    this.#tell();
  }

  /** Why clients should go elsewhere; undefined while it takes them. Those that come are served either way. */
  get outside(): string | undefined {
    const stands = this.#book.stands;
    if (stands !== undefined) return `this edge is ${stands.standing === 'removed' ? 'removed' : 'drained'}: ${stands.reason}`;
    return this.#key.is === 'refused' ? `this edge is none of ours: ${this.#key.why}` : undefined;
  }

  /** Told at once where it stands outside already, and at each change. */
  onChange(listener: (outside: string | undefined) => void): void {
    this.#listeners.push(listener);
    if (this.#told !== undefined) listener(this.#told);
    else this.#tell();
  }

  status(): object {
    return { standing: this.#book.stands?.standing ?? 'serving', key: this.#key.is, outside: this.outside ?? null };
  }

  #tell(): void {
    const { outside } = this;
    if (outside === this.#told) return;
    this.#told = outside;
    for (const listener of this.#listeners) listener(outside);
  }
}
