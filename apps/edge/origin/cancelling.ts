/** What ends a request to the origin before its time: an AbortController that is made only for those who need one. */
export class Cancelling {
  #aborted = false;
  #onAbort: (() => void) | undefined;
  #controller: AbortController | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  /** For what takes nothing else. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** One at a time is told, once; undefined for none. */
  tell(onAbort: (() => void) | undefined): void {
    this.#onAbort = onAbort;
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    onAbort?.();
  }
}
