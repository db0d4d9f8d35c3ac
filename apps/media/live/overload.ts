/** Which streams of this process cannot be encoded in real time although they have given up all they have. */
export class Overload {
  readonly #streams = new Set<string>();

  /** True while another stream would only make it worse. */
  get refusesStreams(): boolean {
    return this.#streams.size > 0;
  }

  set(streamId: string, isOverloaded: boolean): void {
    if (isOverloaded) this.#streams.add(streamId);
    else this.#streams.delete(streamId);
  }
}
